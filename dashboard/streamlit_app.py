"""Entry of the dashboard: checks what can be shown, draws the filters, then the page.

Runs with ``INFERLEDGER_HOME`` naming the home; ``inferledger dashboard`` sets it and starts Streamlit.
"""

from datetime import UTC, datetime

import streamlit as st

from dashboard import condition, filters, layout, store
from dashboard import format as fmt

st.set_page_config(page_title="inferledger", page_icon=":material/receipt_long:", layout="wide")


@st.fragment(run_every=20)
def _follow_publication() -> None:
    try:
        replaced = store.current_identity() != st.session_state.get("publication_identity")
    except store.PublicationMissing:
        return
    if replaced:
        st.rerun()


def _wait_for_publication() -> None:
    @st.fragment(run_every=5)
    def watch() -> None:
        if store.published_path().exists():
            st.rerun()

    watch()


def _pages() -> dict[str, st.Page]:
    listed = (
        ("overview", "Overview", ":material/dashboard:"),
        ("teams", "Teams", ":material/groups:"),
        ("models", "Models", ":material/neurology:"),
        ("prices", "Prices", ":material/sell:"),
        ("capacity", "Capacity", ":material/speed:"),
        ("spikes", "Spikes", ":material/monitoring:"),
        ("reconciliation", "Reconciliation", ":material/balance:"),
        ("ownership", "Ownership", ":material/assignment_ind:"),
        ("data_health", "Data health", ":material/health_and_safety:"),
    )
    return {
        name: st.Page(
            f"app_pages/{name}.py", title=title, icon=icon, url_path=name.replace("_", "-"), default=name == "overview"
        )
        for name, title, icon in listed
    }


def _draw(pages: dict[str, st.Page], chosen: st.Page) -> None:
    st.session_state["publication_identity"] = store.current_identity()
    publication = store.rows("publication")[0]
    as_of: datetime = publication["as_of"].replace(tzinfo=UTC)
    completeness = store.rows("completeness")
    options = store.rows("filter_options")
    selection = filters.choose(as_of=as_of.date(), completeness=completeness, options=options)
    st.session_state["page"] = layout.Page(selection, as_of, completeness, pages)
    for notice in condition.notices(store.home(), as_of=as_of, run_id=publication["run_id"], completeness=completeness):
        {"error": st.error, "warning": st.warning, "info": st.info}[notice.level](notice.text, icon=notice.icon)
    if not options and chosen != pages["data_health"]:
        st.title(chosen.title, anchor=False)
        layout.nothing_loaded()
    else:
        chosen.run()
    _follow_publication()


def _main() -> None:
    pages = _pages()
    chosen = st.navigation(list(pages.values()))
    if chosen == pages["overview"] and "spike" in st.query_params:
        link = {name: st.query_params.get_all(name) for name in st.query_params}
        st.switch_page(pages["spikes"], query_params=link)
    try:
        _draw(pages, chosen)
    except store.PublicationMissing as error:
        st.title("Nothing published yet", anchor=False)
        st.info(fmt.plain(str(error)), icon=":material/inbox:")
        _wait_for_publication()
    except store.PublicationReplaced:
        st.rerun()
    except store.PublicationOutdated as error:
        st.error(str(error), icon=":material/history:")
    except store.StoreError as error:
        st.error(fmt.plain(str(error)), icon=":material/broken_image:")


_main()
