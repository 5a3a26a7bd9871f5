"""The training loop: the same bits after an interruption, what data and options do, refusals."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tapeout.compiler.errors import TapeoutError
from tapeout.quant.recipe import load
from tapeout.quant.retrain import Retraining
from tapeout.quant.train import Loss, Split, TrainOptions, as_split, augmented, batches, evaluate
from tests.quant.float_nets import network, samples

pytestmark = pytest.mark.usefixtures("one_thread")

OPTIONS = TrainOptions(epochs=4, batch=16, learning_rate=3e-3, augment=("flip", "crop"), seed=5)


def split(count: int = 70, seed: int = 3) -> Split:
    x = samples(count, seed)[:, 0]
    return as_split(x, (x.mean((1, 2)).argmax(1)).astype(np.int64))


def prepared(options: TrainOptions = OPTIONS, recipe: str = "w4a8", data: Split | None = None) -> Retraining:
    return Retraining.prepare(network(), load(recipe), data or split(), split(40, 4), options)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("recipe", ["w4a8", "binary"])
@pytest.mark.parametrize(("epoch", "step"), [(1, 0), (2, 3)])
def test_resuming_gives_the_same_bits(tmp_path: Path, recipe: str, epoch: int, step: int) -> None:
    whole = prepared(recipe=recipe)
    wanted = whole.train(tmp_path / "whole.pt", False, lambda *at: None)

    def interrupt(at: int, after: int, loss: float) -> None:
        if (at, after) == (epoch, step):
            raise Interrupted

    with pytest.raises(Interrupted):
        prepared(recipe=recipe).train(tmp_path / "part.pt", False, interrupt)
    resumed = prepared(recipe=recipe)
    assert resumed.train(tmp_path / "part.pt", True, lambda *at: None) == wanted
    for (name, mine), theirs in zip(resumed.network.state_dict().items(), whole.network.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs), name
    assert sorted(p.name for p in tmp_path.iterdir()) == ["part.pt", "whole.pt"]


def test_a_forgotten_optimizer_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, pytest.raises(AssertionError, match="History"):
        patched.setattr(torch.optim.AdamW, "load_state_dict", lambda self, state: None)
        test_resuming_gives_the_same_bits(tmp_path, "w4a8", 1, 0)


def test_another_seed_gives_other_bits(tmp_path: Path) -> None:
    runs = [prepared(replace(OPTIONS, epochs=1, seed=seed)) for seed in (1, 2)]
    for run in runs:
        run.train(tmp_path / "c.pt", False, lambda *at: None)
    first, second = (run.network.state_dict() for run in runs)
    assert any(not torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("changed", "recipe", "message"),
    [({"learning_rate": 1e-2}, "w4a8", "another learning_rate, 0.003"), ({"epochs": 9}, "w4a8", "another epochs, 1"),
     ({}, "int8", "another recipe"), ({}, "w4a8", "another number of samples, 70")],
)  # fmt: skip
def test_resuming_something_else_is_refused(tmp_path: Path, changed: dict[str, float], recipe: str, message: str) -> None:
    base = replace(OPTIONS, epochs=1)
    prepared(base).train(tmp_path / "c.pt", False, lambda *at: None)
    other = prepared(replace(base, **changed), recipe, split(60) if "samples" in message else None)  # type: ignore[arg-type]  # a dict says no type for each field
    with pytest.raises(TapeoutError, match=message):
        other.train(tmp_path / "c.pt", True, lambda *at: None)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.pt").write_bytes(b"no checkpoint")
    with pytest.raises(TapeoutError, match="no checkpoint to resume from"):
        prepared().train(tmp_path / "c.pt", True, lambda *at: None)


def test_training_helps_and_keeps_the_best(tmp_path: Path) -> None:
    run = prepared(replace(OPTIONS, epochs=8, learning_rate=1e-2, augment=()), "w2a4", split(300))
    history = run.train(tmp_path / "c.pt", False, lambda *at: None)
    assert history.loss[-1] < history.loss[0]
    assert history.validation[history.best] == max(history.validation)
    assert evaluate(run.network, run.validation, Loss.CROSS_ENTROPY) == history.validation[history.best] > run.before


def test_patience_ends_early(tmp_path: Path) -> None:
    history = prepared(replace(OPTIONS, epochs=30, patience=2, learning_rate=1e-9)).train(tmp_path / "c.pt", False, lambda *at: None)
    assert len(history.loss) < 30 and history.best == len(history.loss) - 3


def test_distillation_and_mean_squares(tmp_path: Path) -> None:
    for options in (replace(OPTIONS, epochs=1, distill=1.0), replace(OPTIONS, epochs=1, loss=Loss.MSE)):
        data = split() if options.loss is not Loss.MSE else replace(split(), y=torch.randn(70, 5))
        run = Retraining.prepare(network(), load("int8"), data, data, options)
        before = {name: p.detach().clone() for name, p in run.network.named_parameters()}
        run.train(tmp_path / "c.pt", False, lambda *at: None)
        assert any(not torch.equal(p, before[name]) for name, p in run.network.named_parameters())


@pytest.mark.parametrize(
    ("options", "y", "message"),
    [(OPTIONS, torch.full((70,), 5), "whole numbers from 0 to 4"), (OPTIONS, torch.zeros(70), "whole numbers"),
     (replace(OPTIONS, loss=Loss.MSE), torch.zeros(70, 3), "3 numbers each, the model 5 outputs")],
)  # fmt: skip
def test_labels_that_do_not_fit(options: TrainOptions, y: torch.Tensor, message: str) -> None:
    with pytest.raises(TapeoutError, match=message):
        prepared(options, data=replace(split(), y=y))


def test_a_loss_without_bounds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeoutError, match="lower --learning-rate"):
        prepared(replace(OPTIONS, learning_rate=1e30, optimizer="sgd")).train(tmp_path / "c.pt", False, lambda *at: None)


def test_a_step_of_one_sample_is_left_out() -> None:
    sizes = [[len(b) for b in batches(count, replace(OPTIONS, batch=16), 0, world)] for count, world in ((33, 1), (34, 1), (35, 2), (1, 1))]
    assert sizes == [[16, 16], [16, 16, 2], [16, 16], [1]]


def test_preprocessing_of_bytes() -> None:
    data = as_split(np.array([[0, 255]], np.uint8), np.array([0]), 1 / 255, 0.5, 0.25)
    assert torch.allclose(data.batch(torch.tensor([0])), torch.tensor([[-2.0, 2.0]]))


def test_augmented_images_are_shifted_and_mirrored() -> None:
    x = torch.arange(2 * 8 * 8, dtype=torch.float32).reshape(2, 8, 8, 1) + 1
    random = np.random.default_rng(0)
    seen = {tuple(augmented(x, ("flip",), random)[0, 0, :, 0].tolist()) for _ in range(20)}
    row = tuple(x[0, 0, :, 0].tolist())
    assert seen == {row, row[::-1]}
    moved = [augmented(x, ("crop",), random)[0, :, :, 0] for _ in range(40)]
    for image in moved:
        rows, columns = ((image != 0).any(1).sum(), (image != 0).any(0).sum())
        assert rows >= 7 and columns >= 7
    assert len({tuple(image.flatten().tolist()) for image in moved}) == 9
