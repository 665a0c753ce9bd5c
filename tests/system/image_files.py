"""Tiny files of images in the formats that `record` reads."""
import random
import struct


def write_images(folder):
    """Tiny IDX and CIFAR-10 folders."""
    generator = random.Random(1)
    pixels = lambda count: bytes(generator.randrange(256) for _ in range(count))  # noqa: E731
    idx, cifar = folder / "idx", folder / "cifar"
    for made in (idx, cifar):
        made.mkdir()
    for name, count in (("train", 10), ("t10k", 4)):
        (idx / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">BBBBIII", 0, 0, 8, 3, count, 12, 13) + pixels(count * 156))
        (idx / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">BBBBI", 0, 0, 8, 1, count) + bytes(i % 3 for i in range(count)))
    for name, count in (("data_batch_1", 50), ("test_batch", 10)):
        (cifar / f"{name}.bin").write_bytes(b"".join(bytes([i % 10]) + pixels(3072) for i in range(count)))
    return idx, cifar
