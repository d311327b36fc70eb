"""Check: files that cannot be used, and photos that are worth a second look."""

import streamlit as st

from core import jobs
from core.clean.kept import checked
from ui import check_results, job_status, navigation, quality, state, untidy

KIND, TARGET = "check", "core.clean.sweep:check_job"

dataset = state.require()
st.title("Check", anchor=False)
st.markdown(
    "Opens every file in full, finds those that cannot be used, such as damaged ones, and ranks "
    "the others by what may be wrong with them."
)

job = job_status.draw(dataset.home, KIND)
if job is not None and jobs.alive(job):
    st.stop()

now = checked(dataset)
if not now.photos:
    st.info("There are no photos in this data set yet.")
    st.stop()

if now.judged:
    check_results.draw_summary(now)
if now.judged < now.photos or now.unmeasured:
    label = "Check the new photos" if now.judged else "Check the photos"
    primary = "primary" if not now.rejected else "secondary"
    st.button(
        label,
        key="check",
        type=primary,
        icon=":material/rule:",
        on_click=job_status.start,
        args=(dataset.home, KIND, TARGET, {"root": str(dataset.root)}),
    )
if now.rejected:
    check_results.draw_rejected(dataset, now)
elif now.complete:
    st.success(check_results.fine_words(now), icon=":material/check_circle:")
    navigation.next_step("train", "Go to Train")
if now.judged > now.rejected:
    quality.draw(dataset)
if now.judged:
    untidy.draw(dataset)
check_results.draw_removed(dataset)
