"""Home: open a data set, or see where the open one stands and what is next."""

import streamlit as st

from ui import navigation, opening, overview, state
from ui.words import plain

SHOWN_LAST = "home_shown"  # session key: token of the data set that Home showed last
TO_THE_TOP = """<script>
document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
</script>"""

dataset = state.current()

if dataset is None:
    if problem := state.why_none():
        st.warning(plain(problem), icon=":material/warning:")
    st.title("Winnow", anchor=False)
    opening.wait_for_pending()
    st.markdown(
        "- Collect photos from the web, or open a folder with one folder for each class.\n"
        "- Winnow finds broken files and wrong labels. You decide about each, with a key.\n"
        "- Everything stays on this computer, and every step can be undone."
    )
    st.subheader("Try a sample", anchor=False)
    opening.draw_samples()
    st.subheader("Collect photos", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Collect photos", key="collect_first", icon=":material/add_photo_alternate:"):
            navigation.go("collect")
        st.markdown(
            "Name what should be told apart, and photos of it come from the web.", width="content"
        )
    st.subheader("Open your photos", anchor=False)
    opening.draw_ways()
else:
    st.title(plain(dataset.root.name or str(dataset.root)), anchor=False)
    st.caption(plain(str(dataset.root)))
    opening.wait_for_pending()
    if dataset.read_only:
        opening.offer_a_copy(dataset)
    if state.is_read():
        overview.draw(dataset)
    else:
        state.draw_reading(dataset)
    # Its state goes with the data set: it is closed again for the one that was opened in it.
    key = f"another_{dataset.token}"
    with st.expander("Open another data set", key=key, on_change="rerun") as another:
        if another.open:
            opening.draw_ways(but=dataset.token)
            st.subheader("Samples", anchor=False)
            opening.draw_samples()
    # A long page keeps its place when another data set is opened from its foot.
    if st.session_state.get(SHOWN_LAST, dataset.token) != dataset.token:
        st.html(TO_THE_TOP, unsafe_allow_javascript=True)
    st.session_state[SHOWN_LAST] = dataset.token
