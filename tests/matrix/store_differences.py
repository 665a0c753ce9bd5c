"""How two stores differ: groups, variables, their types, shapes, layout and dimensions, every bit of their values, and attributes."""
import re

import h5py
import numpy as np

# In texts of a store, and in what is printed: what may differ by nature.
MASKS = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>", "when it was made"),
    (r"<time> \S+ (\d+ ranks)", r"<time> <host> \1", "the machine's name"),
    (r"revision [0-9a-f]{7,}(-dirty)?|revision unknown", "revision <revision>", "the program's"),
    (r"^[0-9a-f]{12}(-dirty)?$", "<revision>", "the program's, as an attribute by itself"),
    (r"/[^\s\"']*/inputs/", "<folder>/inputs/", "the folder it was made in"),
    (r'^\{"[^"]*":(\d+)\}$', r'{"<host>":\1}', "the machine's name"),
]
# Variables that are left out.
LEFT_OUT = [
    (r"provenance/seconds", "the clock's"),
    (r"provenance/text_\d+", "the lengths of texts in which a revision stands; the texts are compared"),
]
# Attributes that are left out, as VARIABLE:ATTRIBUTE.
LEFT_OUT_ATTRIBUTES = [
    (r".*:(DIMENSION_LIST|REFERENCE_LIST)", "addresses in the file: the names they lead to are compared"),
    (r"provenance/run:_Netcdf4Dimid", "the dimension's number, which moves where two of those texts happen to have one length"),
]


def masked(text, masks=MASKS):
    for pattern, replacement, _ in masks:
        text = re.sub(pattern, replacement, text, flags=re.M)
    return text


def differences(before, after):
    """Lines, each beginning with the variable or attribute; none where the stores are the same."""
    with h5py.File(before) as kept, h5py.File(after) as made:
        kept_items, made_items = items_of(kept), items_of(made)
        lines = [f"{name} is missing" for name in kept_items if name not in made_items]
        lines += [f"{name} is new" for name in made_items if name not in kept_items]
        for name, item in kept_items.items():
            if name in made_items:
                lines += [f"{name}: {line}" for line in different_items(name, item, made_items[name])]
    return lines


def items_of(store):
    """{name: group or variable}, the root as `/`."""
    found = {"/": store}

    def take(name, item):
        if not any(re.fullmatch(pattern, name) for pattern, _ in LEFT_OUT):
            found[name] = item

    store.visititems(take)
    return found


def different_items(name, kept, made):
    lines = different_attributes(name, kept, made)
    if isinstance(kept, h5py.Group) or isinstance(made, h5py.Group):
        return lines if type(kept) is type(made) else [*lines, "is a group in one store and a variable in the other"]
    if name.startswith("provenance/") and kept.dtype.kind == made.dtype.kind == "S":
        before, after = (masked("\n".join(rows_of(each))) for each in (kept, made))
        return lines if before == after else [*lines, first_difference(before, after)]
    for what, of in DESCRIPTION.items():
        if of(kept) != of(made):
            lines.append(f"{what} {of(made)}, kept {of(kept)}")
    if kept.shape == made.shape and kept.dtype == made.dtype:
        lines += different_values(kept[()], made[()])
    return lines


DESCRIPTION = {
    "type": lambda item: item.dtype.str,
    "shape": lambda item: item.shape,
    "dimensions": lambda item: [[scale.name for scale in axis.values()] for axis in item.dims],  # names, in the order of the axes
    "layout": lambda item: (item.maxshape == item.shape, item.chunks, item.compression, item.compression_opts, item.shuffle, item.fletcher32),
    "fill value": lambda item: np.asarray(item.fillvalue).tobytes(),
}


def rows_of(item):
    """Texts of an array of characters."""
    rows = item[()] if item.ndim > 1 else item[()][None]
    return [row.tobytes().rstrip(b"\0").decode() for row in rows]


def first_difference(kept, made):
    """Of two texts that are not the same: the first line."""
    kept, made = kept.splitlines(), made.splitlines()
    at = next((i for i, pair in enumerate(zip(kept, made)) if pair[0] != pair[1]), min(len(kept), len(made)))
    before, after = (lines[at].strip() if at < len(lines) else "(ends)" for lines in (kept, made))
    return f"line {at + 1}: '{after}', kept '{before}'"


def different_values(kept, made):
    """Bits, so that a NaN is itself and −0 is not 0."""
    if kept.tobytes() == made.tobytes():
        return []
    apart = (bits(kept) != bits(made)).any(-1)
    at = tuple(int(i) for i in np.argwhere(apart)[0])
    return [f"{apart.sum()} of {apart.size} elements differ, the first at {list(at)}: {made[at].item()!r}, kept {kept[at].item()!r}"]


def bits(values):
    """The bytes of each element as a last axis."""
    return np.ascontiguousarray(values).view(np.uint8).reshape(*values.shape, values.dtype.itemsize)


def different_attributes(of, kept, made):
    lines = []
    for name in sorted({*kept.attrs, *made.attrs}):
        if any(re.fullmatch(pattern, f"{of}:{name}") for pattern, _ in LEFT_OUT_ATTRIBUTES):
            continue
        if name not in kept.attrs or name not in made.attrs:
            lines.append(f"attribute {name} is {'missing' if name in kept.attrs else 'new'}")
            continue
        before, after = kept.attrs[name], made.attrs[name]
        if isinstance(before, bytes) and isinstance(after, bytes):
            before, after = masked(before.decode()), masked(after.decode())
            same = before == after
        else:
            same = described(before) == described(after)
        if not same:
            lines.append(f"attribute {name} is {after!r}, kept {before!r}")
    return lines


def described(value):
    value = np.asarray(value)
    return value.dtype.str, value.shape, value.tobytes()
