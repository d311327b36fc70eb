"""The ready-made sets on offer: what each is, how large, by what terms. Light: pages import it."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class KnownSet:
    """A set that torchvision can download, as it is offered."""

    name: str
    title: str
    sentence: str  # what is in it
    photos: int
    classes: int
    download_bytes: int
    unpacked_bytes: int  # about, in the blocks of a disk
    home: str  # address of its makers' page
    terms: str  # a sentence
    licence: str | None  # by name, where there is one
    terms_url: str
    group: str  # versions of one set share it
    version: str = ""  # tells them apart
    has_class_in_names: bool = False  # its own file names say the class: great_pyrenees_173.jpg

    @property
    def download_mb(self) -> int:
        """Size of the download in millions of bytes."""
        return round(self.download_bytes / 1e6)


_IMAGENETTE = KnownSet(
    name="imagenette-160",
    title="Imagenette",
    sentence="Ten things that are easy to tell apart: a church, a parachute, a golf ball.",
    photos=13_394,
    classes=10,
    download_bytes=99_003_388,
    unpacked_bytes=140_000_000,
    version="160 pixels",
    home="https://github.com/fastai/imagenette",
    terms="A part of ImageNet: its photos may be used for research and teaching, not for business.",
    licence=None,
    terms_url="https://www.image-net.org/download.php",
    group="imagenette",
)

_LIST = (
    KnownSet(
        name="pets",
        title="Oxford-IIIT Pet",
        sentence="37 breeds of cats and dogs, about 200 photos of each.",
        photos=7_349,
        classes=37,
        download_bytes=791_918_971 + 19_173_078,
        unpacked_bytes=860_000_000,
        home="https://www.robots.ox.ac.uk/~vgg/data/pets/",
        terms="Free to use and share, for business too, if you name its makers and share what "
        "you make of it alike. The photos' copyright stays with their owners.",
        licence="CC BY-SA 4.0",
        terms_url="https://creativecommons.org/licenses/by-sa/4.0/",
        group="pets",
        has_class_in_names=True,
    ),
    _IMAGENETTE,
    replace(
        _IMAGENETTE,
        name="imagenette-320",
        download_bytes=341_663_724,
        unpacked_bytes=380_000_000,
        version="320 pixels",
    ),
    KnownSet(
        name="flowers",
        title="Flowers 102",
        sentence="102 kinds of flowers that grow in Britain, 40 to 258 photos of each.",
        photos=8_189,
        classes=102,
        download_bytes=344_862_509 + 502 + 14_989,
        unpacked_bytes=370_000_000,
        home="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
        terms="Its makers name no licence. The photos were gathered from the web and belong to "
        "their owners: use them for learning and research.",
        licence=None,
        terms_url="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
        group="flowers",
    ),
    KnownSet(
        name="food",
        title="Food-101",
        sentence="101 dishes, 1,000 photos of each. Its makers left some wrong labels in.",
        photos=101_000,
        classes=101,
        download_bytes=4_996_278_331,
        unpacked_bytes=5_300_000_000,
        home="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        terms="The photos come from Foodspotting and belong to their owners. Use beyond "
        "scientific fair use must be agreed with them.",
        licence=None,
        terms_url="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        group="food",
    ),
    KnownSet(
        name="eurosat",
        title="EuroSAT",
        sentence="Small satellite pictures of Europe: forest, river, highway, crops and six more.",
        photos=27_000,
        classes=10,
        download_bytes=94_280_567,
        unpacked_bytes=140_000_000,
        home="https://github.com/phelber/EuroSAT",
        terms="Free to use for anything, if the licence is kept with it. The pictures are from "
        "the Sentinel-2 satellites, whose data is free.",
        licence="MIT",
        terms_url="https://github.com/phelber/EuroSAT/blob/master/LICENSE",
        group="eurosat",
    ),
    KnownSet(
        name="cifar10",
        title="CIFAR-10",
        sentence="Tiny pictures, 32 pixels wide, of ten kinds of animals and vehicles.",
        photos=60_000,
        classes=10,
        download_bytes=170_498_071,
        unpacked_bytes=430_000_000,
        home="https://www.cs.toronto.edu/~kriz/cifar.html",
        terms="Its makers name no licence and ask to be cited. The pictures come from the web "
        "and belong to their owners: use them for learning and research.",
        licence=None,
        terms_url="https://www.cs.toronto.edu/~kriz/cifar.html",
        group="cifar10",
    ),
)
SETS: dict[str, KnownSet] = {known.name: known for known in _LIST}
