"""Runs core.collect.ready_made_process with torchvision's addresses and checksums changed.

``python set_process.py URL SUMS NAME FOLDER MOST``: the files' names stay, the site is another.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from torchvision import datasets
from torchvision.datasets import utils

from core.collect import ready_made_process

SITE = sys.argv[1]
SUMS = json.loads(Path(sys.argv[2]).read_text())


def moved(url):
    return f"{SITE}/{url.rpartition('/')[2]}"


def moved_pair(url, md5):
    return moved(url), SUMS.get(url.rpartition("/")[2], md5)


def with_sums(pairs):
    return [[name, SUMS.get(name, md5)] for name, md5 in pairs]


datasets.OxfordIIITPet._RESOURCES = tuple(
    moved_pair(*pair) for pair in datasets.OxfordIIITPet._RESOURCES
)
datasets.Imagenette._ARCHIVES = {
    size: moved_pair(*pair) for size, pair in datasets.Imagenette._ARCHIVES.items()
}
datasets.Flowers102._download_url_prefix = f"{SITE}/"
datasets.Flowers102._file_dict = {
    key: (name, SUMS.get(name, md5)) for key, (name, md5) in datasets.Flowers102._file_dict.items()
}
datasets.Food101._URL, datasets.Food101._MD5 = moved_pair(
    datasets.Food101._URL, datasets.Food101._MD5
)
datasets.CIFAR10.url, datasets.CIFAR10.tgz_md5 = moved_pair(
    datasets.CIFAR10.url, datasets.CIFAR10.tgz_md5
)
datasets.CIFAR10.train_list = with_sums(datasets.CIFAR10.train_list)
datasets.CIFAR10.test_list = with_sums(datasets.CIFAR10.test_list)
datasets.CIFAR10.meta["md5"] = SUMS.get("batches.meta", datasets.CIFAR10.meta["md5"])

# EuroSAT's address stands within a function.
theirs = utils.download_and_extract_archive


def download_and_extract_archive(url, download_root, md5=None, **more):
    url, md5 = moved_pair(url, md5)
    theirs(url, download_root, md5=md5, **more)


datasets.eurosat.download_and_extract_archive = download_and_extract_archive

ready_made_process.main(sys.argv[3], Path(sys.argv[4]), int(sys.argv[5]))
