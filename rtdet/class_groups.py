"""Groups of classes by what they are: "vehicles" for cars, buses and bicycles. For lists that would be long."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from rtdet.types import class_called

# COCO's 80 classes under COCO's supercategories, joined where these are small, and what VOC and others call them.
GROUPS: dict[str, tuple[str, ...]] = {
    "people": ("person", "pedestrian", "rider", "face", "head"),
    "vehicles": (
        "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
        "aeroplane", "motorbike", "van", "vehicle", "tram", "scooter",
    ),
    "street": ("traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "traffic sign"),
    "animals": ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
    "bags": ("backpack", "umbrella", "handbag", "tie", "suitcase"),
    "sports": (
        "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard",
        "surfboard", "tennis racket",
    ),
    "tableware": ("bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl"),
    "food": (
        "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake",
    ),
    "home": (
        "chair", "couch", "potted plant", "bed", "dining table", "toilet", "microwave", "oven", "toaster", "sink",
        "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
        "sofa", "diningtable", "pottedplant",
    ),
    "electronics": ("tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "tvmonitor"),
}  # fmt: skip
OTHER = "other"

_GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}


def group_of(class_name: str) -> str:
    """The group of a class; OTHER for names that no group has.

    >>> from rtdet.class_groups import group_of
    >>> group_of("truck"), group_of("forklift")
    ('vehicles', 'other')
    """
    return _GROUP_OF.get(class_name.strip().lower(), OTHER)


def grouped(class_names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The classes by group, both in order: groups as in GROUPS and OTHER last, classes as they are given."""
    groups: dict[str, list[str]] = {group: [] for group in (*GROUPS, OTHER)}
    for name in class_names:
        groups[group_of(name)].append(name)
    return {group: tuple(names) for group, names in groups.items() if names}


def with_groups(wanted: Iterable[str], class_names: Collection[str]) -> tuple[str, ...]:
    """The classes that are meant where some are named by their group ("vehicles"): those of the group among
    `class_names`, each once. A class of that name, as `class_called` finds it, goes before a group; names that are
    neither stay.

    >>> from rtdet.class_groups import with_groups
    >>> with_groups(["vehicles", "dog", "car"], ["person", "car", "bus", "dog"])
    ('car', 'bus', 'dog')
    """
    meant: list[str] = []
    names = tuple(class_names)
    for name in wanted:
        called = class_called(name, names)
        group = name.strip().casefold()
        members = [known for known in names if group_of(known) == group] if called is None else [called]
        meant += members or [name]
    return tuple(dict.fromkeys(meant))
