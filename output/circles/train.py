"""Trains the network of circles.derive to tell two noisy circles apart.

Every gradient comes from circles.py beside this script; the rest is NumPy.

    python train.py [--seed N]
"""

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from circles import value_and_grad_J

WIDTHS = (2, 4, 6, 6, 4, 1)
STEPS = 600
RATE = 0.01
STARTS, TRIAL = 5, 100  # how many starts are tried, and for how many steps


def two_circles(rng, m):
    """m points near circles of radius 1 and 1/2, a column each, and their labels, 0 and 1."""
    inner = rng.integers(0, 2, m)
    angle = rng.uniform(0.0, 2.0 * np.pi, m)
    radius = np.where(inner, 0.5, 1.0)
    X = radius * np.array([np.cos(angle), np.sin(angle)]) + 0.1 * rng.standard_normal((2, m))
    return X, inner[None, :].astype(float)


def start(rng):
    """Parameters to start from: He's weights, which keep the size of a signal through ReLUs."""
    parameters = {}
    for k, (n, units) in enumerate(pairwise(WIDTHS), start=1):
        parameters[f"W{k}"] = rng.standard_normal((units, n)) * np.sqrt(2.0 / n)
        parameters[f"b{k}"] = np.zeros(units)
    return parameters


def descend(parameters, X, Y, steps, show=lambda step, loss: None):
    """Adam (Kingma and Ba, 2015) on all examples at once; returns the parameters and the loss."""
    mean = {name: 0.0 for name in parameters}
    square = {name: 0.0 for name in parameters}
    for step in range(1, steps + 1):
        loss, gradients = value_and_grad_J(X=X, Y=Y, **parameters)
        moved = {}
        for name, gradient in gradients._asdict().items():
            mean[name] = 0.9 * mean[name] + 0.1 * gradient
            square[name] = 0.999 * square[name] + 0.001 * gradient**2
            direction = mean[name] / (1.0 - 0.9**step)
            size = np.sqrt(square[name] / (1.0 - 0.999**step))
            moved[name] = parameters[name] - RATE * direction / (size + 1e-8)
        parameters = moved
        show(step, loss)
    return parameters, loss


def outputs(parameters, X):
    """What the network says: the probability of the inner circle, for each point."""
    A = X
    for k in range(1, len(WIDTHS)):
        Z = parameters[f"W{k}"] @ A + parameters[f"b{k}"][:, None]
        A = np.maximum(Z, 0.0)
    return 0.5 * (1.0 + np.tanh(0.5 * Z))  # the sigmoid, without overflow


def progress(step, loss):
    """A bar on a terminal; a few lines anywhere else."""
    if sys.stdout.isatty():
        bar = "#" * (40 * step // STEPS)
        print(f"\r[{bar:<40}] step {step}/{STEPS}  loss {loss:.4f}", end="", flush=True)
        if step == STEPS:
            print()
    elif step % (STEPS // 4) == 0:
        print(f"step {step}/{STEPS}  loss {loss:.4f}")


def draw(parameters, X, Y, path):
    """A picture of the points and of where the network changes its mind."""
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed, so there is no picture of the decision boundary")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    line = np.linspace(-1.5, 1.5, 300)
    grid = np.array(np.meshgrid(line, line)).reshape(2, -1)
    inside = outputs(parameters, grid).reshape(300, 300)
    (x, y), label = X, Y[0]
    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    axes.contourf(line, line, inside, levels=20, cmap="RdBu", alpha=0.6)
    axes.contour(line, line, inside, levels=[0.5], colors="black")
    axes.scatter(x, y, c=label, cmap="RdBu", s=12, edgecolors="black", linewidths=0.3)
    axes.set(aspect="equal", title="held-out points and the decision boundary")
    figure.savefig(path, dpi=150)
    print(f"wrote {path}")


def main():
    parser = argparse.ArgumentParser(description="Train a network on two noisy circles.")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers (default 0)")
    rng = np.random.default_rng(parser.parse_args().seed)

    X, Y = two_circles(rng, 500)
    # So narrow a network sometimes starts with units that answer 0 everywhere and never learn:
    # several starts take a few steps, and the one with the least loss goes on.
    trials = [descend(start(rng), X, Y, TRIAL) for _ in range(STARTS)]
    best, _ = min(trials, key=lambda trial: trial[1])
    parameters, _ = descend(best, X, Y, STEPS, progress)

    X, Y = two_circles(rng, 2000)
    accuracy = np.mean((outputs(parameters, X) > 0.5) == (Y > 0.5))
    print(f"held-out accuracy {accuracy:.1%}")
    draw(parameters, X, Y, Path(__file__).with_name("decision_boundary.png"))


if __name__ == "__main__":
    main()
