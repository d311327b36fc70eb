"""The choice of a network: what each needs, how fast it is here, and getting its weights."""

from dataclasses import replace

import streamlit as st

from core import jobs
from core.networks import speed
from core.networks.backbones import (
    BACKBONES,
    DEFAULT,
    Backbone,
    backbone_named,
    megabytes,
    random_weights,
    weights_here,
)
from core.user_folders import user_data
from ui import job_status
from ui.words import plain

DOWNLOAD_TARGET = "core.networks.downloads:download_job"
SPEED, SPEED_TARGET = "speed", "core.networks.speed:measure_job"  # kind of job, and what it runs
MEGABYTE = 1_000_000

# When to take it, in a sentence.
SENTENCES = {
    "lite0": "The fastest that comes along. Start here.",
    "lite1": "A little slower, often a little more exact.",
    "lite2": "About half as fast as Lite0, usually more exact.",
    "resnet18": "A classic, and the smallest of its family.",
    "resnet34": "The network of the fast.ai lessons.",
    "resnet50": "A larger classic: more exact, and slower.",
    "convnext_tiny": "Modern and exact, and slow without a graphics card.",
    "efficientnetv2_s": "Exact, with larger pictures: slow without a graphics card.",
    "mobilenetv3": "Made for telephones: very fast.",
    "dino": "Learnt without labels: good where photos are unlike everyday ones.",
}


def choose(*, key: str, disabled: bool) -> str:
    """Draw the choice of a network, and what goes with the one chosen; return its name.

    Args:
        key: Begins the keys of all widgets; the choice itself has this key.
        disabled: Whether nothing can be chosen now.
    """
    name = st.selectbox(
        "Network",
        list(BACKBONES),
        index=list(BACKBONES).index(DEFAULT),
        # Nothing that a download changes: the browser remembers the choice by this text.
        format_func=lambda name: BACKBONES[name].title,
        disabled=disabled,
        key=key,
        persist_state="session",
    )
    backbone = backbone_named(name)
    st.caption(f"{SENTENCES[name]} {_details(backbone)}")
    if not ready(name):
        _offer_download(backbone, key=key, disabled=disabled)
    with st.expander("Compare the networks", key=f"{key}_all"):
        _compare(key=key)
    return name


def ready(name: str) -> bool:
    """Whether training with a network can begin: its weights are here."""
    backbone = backbone_named(name)
    return weights_here(backbone) or random_weights(backbone)


def _details(backbone: Backbone) -> str:
    """Size and speed in a sentence or two."""
    line = (
        f"Looks at {backbone.size} × {backbone.size} pixels, has {backbone.parameters:.1f} million "
        "numbers to learn."
    )
    if backbone.source == "download" and ready(backbone.name):
        line += " It is on this computer."
    found = speed.known_speed(backbone.name)
    if found is not None:
        line += (
            f" On this computer: looks at about {_rate(found.looking)} photos a second, "
            f"trains in depth on {_rate(found.training)}."
        )
    return line


def _rate(photos_a_second: float) -> str:
    return f"{photos_a_second:,.0f}" if photos_a_second >= 10 else f"{photos_a_second:.1f}"


def _offer_download(backbone: Backbone, *, key: str, disabled: bool) -> None:
    """The download's progress, or a button that starts it."""
    home, kind = user_data(), _kind(backbone)
    job = job_status.draw(home, kind, told=_in_megabytes, key=f"{key}_{backbone.name}")
    if job is not None and job.state != "done":
        return  # it goes on, or says itself how it ended and offers another try
    st.info(
        f"The weights of {backbone.title} are not on this computer yet. They are downloaded once, "
        f"{megabytes(backbone)}; their licence is {backbone.licence}. Without an internet "
        "connection, the three EfficientNet-Lite work at once.",
        icon=":material/cloud_download:",
    )
    st.button(
        f"Download {backbone.title} ({megabytes(backbone)})",
        key=f"{key}_download",
        icon=":material/download:",
        disabled=disabled,
        on_click=job_status.start,
        args=(home, kind, DOWNLOAD_TARGET, {"backbone": backbone.name}),
    )


def _in_megabytes(job: jobs.JobStatus) -> jobs.JobStatus:
    """A download's status counts bytes; nobody reads those."""
    if job.total <= MEGABYTE:
        return job
    message = f"{job.message.removesuffix('.')} · MB"
    return replace(
        job, message=message, done=job.done // MEGABYTE, total=max(1, job.total // MEGABYTE)
    )


def _kind(backbone: Backbone) -> str:
    """Of the job: one for each network, so that several can come at once."""
    return f"weights_{backbone.name}"


def _compare(*, key: str) -> None:
    """All networks as a table, and a button that measures how fast they are here."""
    speeds = {name: speed.known_speed(name) for name in BACKBONES}
    st.dataframe(
        {
            "Network": [one.title for one in BACKBONES.values()],
            "Pixels": [one.size for one in BACKBONES.values()],
            "Parameters": [one.parameters for one in BACKBONES.values()],
            **_measured(list(speeds.values())),
            "Weights": [_where(one) for one in BACKBONES.values()],
        },
        column_config={
            "Pixels": st.column_config.NumberColumn(help="Side of the square it looks at."),
            "Parameters": st.column_config.NumberColumn(
                format="%.1f M", help="Numbers it has learnt, in millions."
            ),
            "Looks at": st.column_config.NumberColumn(
                format="%.0f a second",
                help="Photos a second of quick training, measured on this computer.",
            ),
            "Trains on": st.column_config.NumberColumn(
                format="%.1f a second",
                help="Photos a second of training in depth, measured on this computer.",
            ),
        },
        hide_index=True,
        key=f"{key}_table",
    )
    job = job_status.draw(user_data(), SPEED, key=f"{key}_speed")
    unknown = [name for name, found in speeds.items() if found is None]
    if unknown and (job is None or job.state == "done"):
        _offer_measuring(unknown, job, key=key)


def _measured(speeds: list[speed.Speed | None]) -> dict[str, list[float | None]]:
    """The table's columns of speeds; none before anything was measured."""
    if not any(speeds):
        return {}
    return {
        "Looks at": [found and found.looking for found in speeds],
        "Trains on": [found and found.training for found in speeds],
    }


def _offer_measuring(unknown: list[str], job: jobs.JobStatus | None, *, key: str) -> None:
    failed = (job.result or {}).get("failed", []) if job else []
    if failed:
        titles = ", ".join(backbone_named(name).title for name in failed if name in BACKBONES)
        st.caption(plain(f"Could not be measured: {titles}."))
    st.button(
        "Measure how fast they are here",
        key=f"{key}_measure",
        icon=":material/speed:",
        help="Takes some seconds for each. Networks that are not here can be measured, too.",
        on_click=job_status.start,
        args=(user_data(), SPEED, SPEED_TARGET, {"backbones": unknown}),
    )


def _where(backbone: Backbone) -> str:
    if backbone.source == "bundled":
        return "came with Winnow"
    if weights_here(backbone):
        return "on this computer"
    return f"needs a download of {megabytes(backbone)}"
