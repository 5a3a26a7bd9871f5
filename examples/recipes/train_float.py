"""Trains the float checkpoints of the recipes' tasks: python -m examples.recipes.train_float mnist|fsdd (two minutes each on one core)."""
from __future__ import annotations

import sys

import numpy as np
import torch
from torch import Tensor, nn

from . import networks
from .tasks import HERE, TASKS

BATCH, SEED = 128, 0
EPOCHS = {"mnist": 8, "fsdd": 60}


def fit(model: nn.Module, x: Tensor, y: Tensor, epochs: int) -> None:
    """Trains in place on x of any number type; spoken digits are also moved by a few frames and made louder or softer."""
    steps = epochs * -(-len(x) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), 4e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    loss = nn.CrossEntropyLoss(label_smoothing=0.05)
    model.train()
    for _ in range(epochs):
        for index in torch.split(torch.randperm(len(x)), BATCH):
            batch = x[index].float()
            if x.is_floating_point():
                batch = torch.roll(batch, int(torch.randint(-4, 5, ())), 2) + 0.5 * torch.randn(len(batch), 1, 1, 1)
            optimizer.zero_grad()
            loss(model(batch), y[index]).backward()
            optimizer.step()
            schedule.step()


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    model.eval()
    with torch.no_grad():
        return float(torch.cat([model(part.float()).argmax(1) for part in torch.split(x, 500)]).eq(y).double().mean())


def main(name: str) -> None:
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    splits = {key: (torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(y)) for key, (x, y) in TASKS[name].splits().items()}
    model = getattr(networks, name)()
    fit(model, *splits["train"], EPOCHS[name])
    print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters")
    for key in ("val", "test"):
        print(f"{name}: accuracy {accuracy(model, *splits[key]):.4f} on {len(splits[key][0])} {key} samples")
    example = torch.zeros(1, *splits["test"][0].shape[1:])
    path = str(HERE / f"{name}.onnx")
    torch.onnx.export(model, (example,), path, dynamo=False, opset_version=17, input_names=["input"], output_names=["logits"])


if __name__ == "__main__":
    main(sys.argv[1])
