"""Duplicates: copies of one photo, shots of one scene, and what crosses a given split."""

import streamlit as st

from core import jobs
from core.dataset.alike import compared_contents, not_compared
from ui import duplicates, job_status, navigation, state
from ui.words import count

KIND, TARGET = "duplicates", "core.clean.duplicates:duplicates_job"

dataset = state.require()
st.title("Duplicates", anchor=False)
st.markdown(
    "Finds copies of a photo, also where one was cropped, mirrored, turned, framed or saved "
    "again. Copies count twice in training, and make a model look better than it is."
)

job = job_status.draw(dataset.home, KIND)
if job is not None and jobs.alive(job):
    st.stop()
if not dataset.rows():
    st.info("There are no photos in this data set yet.")
    st.stop()

compared, new = bool(compared_contents(dataset)), not_compared(dataset)
if new:
    if compared:
        st.info(f"{count(new, 'photo')} came since and {'is' if new == 1 else 'are'} not compared.")
    st.button(
        "Compare the new photos too" if compared else "Find duplicates",
        key="find",
        type="secondary" if compared else "primary",
        icon=":material/content_copy:",
        on_click=job_status.start,
        args=(dataset.home, KIND, TARGET, {"root": str(dataset.root)}),
    )
if compared:
    duplicates.draw(dataset)
    navigation.next_step("train", "Go to Train")
