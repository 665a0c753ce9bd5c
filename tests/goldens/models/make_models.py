#!/usr/bin/env python3
"""Goldens of the classifiers: small sizes of each written with torch.nn in float64; weights, inputs, logits, mean cross-entropy and its gradients.
Run: python make_models.py (needs torch, safetensors, numpy); it writes NAME.safetensors beside itself."""
import json
import math
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F


class GrokkingTransformer(nn.Module):
    """One matrix a head in place of query, key and value; no mask, no residual around attention, no use of positions."""

    def __init__(self, vocabulary, width, heads, inner, positions):
        super().__init__()
        self.heads = heads
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.randn(positions, width))
        self.encoders = nn.ModuleList(nn.Linear(width, width // heads, bias=False) for _ in range(heads))
        self.decoders = nn.ModuleList(nn.Linear(width // heads, width, bias=False) for _ in range(heads))
        self.linear1, self.linear2 = nn.Linear(width, inner), nn.Linear(inner, width)
        self.decoder = nn.Linear(width, vocabulary, bias=False)

    def forward(self, ids):
        h = self.embedding(ids) * math.sqrt(self.embedding.embedding_dim)
        attention = 0
        for encode, decode in zip(self.encoders, self.decoders):
            u = encode(h)
            weights = torch.softmax(u @ u.transpose(1, 2) / math.sqrt(u.size(-1)), dim=-1)
            attention = attention + decode(weights @ u)
        y = attention + F.relu(self.linear2(F.relu(self.linear1(attention))))
        return self.decoder(y)[:, -1]

    def named(self):
        """Heads stacked as the program stacks them: rows of the encoder, columns of the decoder."""
        return {"input_emb.weight": [self.embedding.weight], "positional_encoding.pe": [self.positions],
                "attention.encoder.weight": [e.weight for e in self.encoders],
                "attention.decoder.weight": [d.weight for d in self.decoders],
                "linear1.weight": [self.linear1.weight], "linear1.bias": [self.linear1.bias],
                "linear2.weight": [self.linear2.weight], "linear2.bias": [self.linear2.bias], "decoder.weight": [self.decoder.weight]}

    @staticmethod
    def join(name, parts):
        return torch.cat(parts, dim=1 if name == "attention.decoder.weight" else 0)


class Plain(nn.Module):
    def named(self):
        return {name: [parameter] for name, parameter in self.named_parameters()}

    @staticmethod
    def join(_, parts):
        return parts[0]


class Cnn(Plain):
    def __init__(self, channels, height, width, filters1, filters2, hidden, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters1, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(filters1, filters2, 3, padding=1, bias=False)
        self.linear1 = nn.Linear(filters2 * (height // 4) * (width // 4), hidden)
        self.linear2 = nn.Linear(hidden, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.linear2(F.relu(self.linear1(x.flatten(1))))


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))

    def forward(self, x):
        return x + F.relu(self.conv2(F.relu(self.conv1(x))))


class Resnet9(Plain):
    def __init__(self, channels, width, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, 2 * width, 5, stride=2, padding=2, bias=False)
        self.residual1 = Residual(2 * width)
        self.conv3 = nn.Conv2d(2 * width, 4 * width, 3, padding=1, bias=False)
        self.residual2 = Residual(4 * width)
        self.conv4 = nn.Conv2d(4 * width, 2 * width, 3, bias=False)
        self.linear = nn.Linear(2 * width, classes, bias=False)

    def forward(self, x):
        x = self.residual1(F.relu(self.conv2(F.relu(self.conv1(x)))))
        x = self.residual2(F.max_pool2d(F.relu(self.conv3(x)), 2))
        return self.linear(F.adaptive_max_pool2d(F.relu(self.conv4(x)), 1).flatten(1)) * 0.2


def write(name, kind, config, inputs, labels):
    model = kind(**config).double()
    logits = model(inputs)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    tensors = {"input": inputs, "labels": labels, "logits": logits.detach().contiguous(), "loss": loss.detach().reshape(1)}
    for key, parts in model.named().items():
        tensors["parameter/" + key] = model.join(key, [p.detach() for p in parts]).contiguous().clone()
        if parts[0].grad is not None:
            tensors["gradient/" + key] = model.join(key, [p.grad for p in parts]).contiguous().clone()
    description = json.dumps({"name": name, "config": config})
    save_file(tensors, pathlib.Path(__file__).parent / f"{name}.safetensors", {"model": description, "torch": torch.__version__})


if __name__ == "__main__":
    torch.manual_seed(0)
    write("grokking_transformer", GrokkingTransformer, {"vocabulary": 9, "width": 12, "heads": 3, "inner": 10, "positions": 10},
          torch.randint(0, 9, (5, 4)), torch.randint(0, 9, (5,)))
    write("cnn", Cnn, {"channels": 2, "height": 9, "width": 13, "filters1": 3, "filters2": 4, "hidden": 6, "classes": 5},
          torch.randn(4, 2, 9, 13, dtype=torch.float64), torch.randint(0, 5, (4,)))
    write("resnet9", Resnet9, {"channels": 3, "width": 2, "classes": 3},
          torch.randn(4, 3, 14, 16, dtype=torch.float64), torch.randint(0, 3, (4,)))
