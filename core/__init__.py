"""What Winnow does, without its pages."""

import os

# How often a thread of PyTorch looks whether the others have finished before it goes to sleep; read
# when PyTorch is loaded, on Linux. With the usual 300,000 it burns the very time that the others
# need: a step of EfficientNet-Lite0 on two cores took 8.5 s beside one busy process, and 2.5 s with
# 10,000. On an idle machine both took 1.3 s.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
