"""A learned partition in the manner of Neural LSH (Dong, Indyk, Razenshteyn, Wagner, ICLR 2020, arXiv 1901.08544).

The graph of nearest neighbours is cut into balanced parts by KaHIP; a network with one hidden layer learns which parts the
neighbours of a row lie in. One JSON object as the argument; the leaf of each row and the network go to its folder.
"""

import json
import os
import sys

import kahip
import numpy as np

IMBALANCE = 0.03
BATCH = 512
RATE = 1e-3


def partition(neighbours, parts, seed):
    """The part of each row: as few edges as can be between parts of nearly one size."""
    count, degree = neighbours.shape
    ends = np.stack([np.repeat(np.arange(count), degree), neighbours.reshape(-1)])
    both = np.concatenate([ends, ends[::-1]], axis=1)
    edges = np.unique(both[:, both[0] != both[1]], axis=1)
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(edges[0], minlength=count), out=starts[1:])
    weights = [1] * edges.shape[1]
    _, blocks = kahip.kaffpa(
        [1] * count, starts.tolist(), weights, edges[1].tolist(), parts, IMBALANCE, True, seed, kahip.FAST
    )
    return np.asarray(blocks, np.uint32)


class Adam:
    """Kingma and Ba, 2015."""

    def __init__(self, values):
        self.values = values
        self.first = [np.zeros_like(value) for value in values]
        self.second = [np.zeros_like(value) for value in values]
        self.steps = 0

    def step(self, gradients):
        self.steps += 1
        for value, first, second, gradient in zip(self.values, self.first, self.second, gradients):
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient * gradient - second)
            mean = first / (1 - 0.9**self.steps)
            spread = second / (1 - 0.999**self.steps)
            value -= RATE * mean / (np.sqrt(spread) + 1e-8)


def train(rows, targets, parts, hidden, epochs, rng):
    """Weights of the network: `targets` [rows x neighbours] are parts, each a share of the wanted distribution."""
    dim = rows.shape[1]
    w1 = (rng.normal(size=(hidden, dim)) * np.sqrt(2 / dim)).astype(np.float32)
    w2 = (rng.normal(size=(parts, hidden)) * np.sqrt(1 / hidden)).astype(np.float32)
    b1, b2 = np.zeros(hidden, np.float32), np.zeros(parts, np.float32)
    optimiser = Adam([w1, b1, w2, b2])
    for epoch in range(epochs):
        order = rng.permutation(len(rows))
        loss = 0.0
        for at in range(0, len(rows), BATCH):
            batch = order[at : at + BATCH]
            x = rows[batch]
            middle = np.maximum(x @ w1.T + b1, 0)
            logits = middle @ w2.T + b2
            logits -= logits.max(axis=1, keepdims=True)
            shares = np.exp(logits)
            shares /= shares.sum(axis=1, keepdims=True)
            wanted = targets[batch]
            lines = np.arange(len(batch))[:, None]
            loss -= np.log(shares[lines, wanted] + 1e-12).mean() * len(batch)
            error = shares / len(batch)
            np.subtract.at(error, (lines, wanted), 1 / (len(batch) * wanted.shape[1]))
            back = (error @ w2) * (middle > 0)
            optimiser.step([back.T @ x, back.sum(0), error.T @ middle, error.sum(0)])
        print(f"epoch {epoch}: loss {loss / len(rows):.4f}", file=sys.stderr)
    return {"w1": w1, "b1": b1, "w2": w2, "b2": b2}


def main():
    job = json.loads(sys.argv[1])
    size, dim = (int(value) for value in np.fromfile(job["floats"], np.uint32, 2))
    rows = np.fromfile(job["floats"], np.float32, size * dim, offset=8).reshape(size, dim)
    neighbours = np.fromfile(job["neighbours"], np.uint32).reshape(size, -1)
    leaves = partition(neighbours, job["leaves"], job["seed"])
    leaves.tofile(os.path.join(job["folder"], "leaves.u32"))
    rng = np.random.default_rng(job["seed"])
    network = train(rows, leaves[neighbours], job["leaves"], job["hidden"], job["epochs"], rng)
    for name, value in network.items():
        value.tofile(os.path.join(job["folder"], f"{name}.f32"))


main()
