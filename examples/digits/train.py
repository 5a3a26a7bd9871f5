"""Trains the example network for 8x8 digits and writes digits.onnx, digits_calibration.npz and digits_test.npz.

Run with `pip install 'tapeout[train]'`; takes less than a minute on one core. The seeds are fixed and one thread is
used, so that the same versions of torch and scikit-learn on the same kind of machine write the same files.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

SEED = 7
EPOCHS = 60
BATCH = 64
CALIBRATION_IMAGES = 200
OPSET = 13


def network() -> nn.Sequential:
    """A convolution, a depthwise-separable one, a pooling and a dense layer: 1x1x8x8 pixels of 0 to 16 -> 10 logits."""
    model = nn.Sequential()
    for name, convolution in {
        "conv": nn.Conv2d(1, 16, 3, padding=1, bias=False),
        "depthwise": nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False),
        "pointwise": nn.Conv2d(16, 24, 1, bias=False),
    }.items():
        model.add_module(name, convolution)
        model.add_module(f"{name}_norm", nn.BatchNorm2d(convolution.out_channels))
        model.add_module(f"{name}_relu", nn.ReLU())
    model.add_module("pool", nn.MaxPool2d(2))
    model.add_module("flatten", nn.Flatten())
    model.add_module("dropout", nn.Dropout(0.2))
    model.add_module("dense", nn.Linear(24 * 4 * 4, 10))
    return model


def folded(model: nn.Sequential) -> nn.Sequential:
    """The trained network with each batch normalisation folded into the convolution before it."""
    modules = dict(model.named_children())
    result = nn.Sequential()
    for name, module in modules.items():
        norm = modules.get(f"{name}_norm")
        if isinstance(module, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            module = fuse_conv_bn_eval(module, norm)
        if not isinstance(module, nn.BatchNorm2d | nn.Dropout):
            result.add_module(name, module)
    return result


def train(images: Tensor, labels: Tensor) -> nn.Sequential:
    """The network after `EPOCHS` passes over images (N, 1, 8, 8) and labels (N,)."""
    model = network()
    steps = EPOCHS * -(-len(images) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
    loss = nn.CrossEntropyLoss()
    for _ in range(EPOCHS):
        for batch in torch.split(torch.randperm(len(images)), BATCH):
            optimizer.zero_grad()
            loss(model(images[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        return float((model(images).argmax(1) == labels).double().mean())


def export(model: nn.Module, path: Path) -> None:
    """Writes the network as ONNX for images 1x1x8x8."""
    torch.onnx.export(
        model, (torch.zeros(1, 1, 8, 8),), str(path), dynamo=False, opset_version=OPSET, input_names=["image"], output_names=["logits"]
    )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder that receives the files")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    data = load_digits()
    images = data.images.astype(np.float32)[:, None]
    labels = data.target.astype(np.int64)
    train_x, test_x, train_y, test_y = train_test_split(images, labels, test_size=0.2, random_state=SEED, stratify=labels)
    model = folded(train(torch.from_numpy(train_x), torch.from_numpy(train_y)))
    print(f"{sum(p.numel() for p in model.parameters())} parameters")
    for name, x, y in ("training", train_x, train_y), ("test", test_x, test_y):
        print(f"accuracy {accuracy(model, torch.from_numpy(x), torch.from_numpy(y)):.4f} on {len(x)} {name} images")

    export(model, folder / "digits.onnx")
    np.savez_compressed(folder / "digits_calibration.npz", image=train_x[:CALIBRATION_IMAGES], y=train_y[:CALIBRATION_IMAGES])
    np.savez_compressed(folder / "digits_test.npz", image=test_x, y=test_y)


if __name__ == "__main__":
    main()
