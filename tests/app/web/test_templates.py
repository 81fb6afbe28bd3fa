"""A template and the page that fills it name the same things."""

from dataclasses import fields
from importlib import import_module

import pytest
from jinja2 import meta, nodes

from app.web import pages
from app.web.pages import Page, environment

import_module("app.web.main")  # and with it every page
PAGES: list[type[Page]] = sorted(Page.__subclasses__(), key=lambda kind: kind.template)
AROUND = {"shell", "url", "asset", *environment().globals}


def used_by(template: str) -> set[str]:
    tree = environment().parse((pages.TEMPLATES / template).read_text())
    return meta.find_undeclared_variables(tree) - own_names(tree) - AROUND


def own_names(tree: nodes.Template) -> set[str]:
    """What a template imports or defines at its top: its blocks see these too."""
    imported = {
        name if isinstance(name, str) else name[1] for one in tree.find_all(nodes.FromImport) for name in one.names
    }
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    assigned = {one.target.name for one in tree.find_all(nodes.Assign) if isinstance(one.target, nodes.Name)}
    return imported | macros | assigned


@pytest.mark.parametrize("kind", PAGES, ids=lambda kind: kind.template)
def test_a_template_uses_exactly_the_fields_of_its_page(kind: type[Page]) -> None:
    assert used_by(kind.template) == {field.name for field in fields(kind)}  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", PAGES, ids=lambda kind: kind.template)
def test_a_page_is_frozen(kind: type[Page]) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_every_template_belongs_to_a_page_or_is_a_part() -> None:
    found = {str(path.relative_to(pages.TEMPLATES)) for path in pages.TEMPLATES.rglob("*.html")}
    parts = {name for name in found if name.startswith("_")}
    assert found - parts == {page.template for page in PAGES} | {"base.html"}
    assert all(used_by(name) == set() for name in parts | {"base.html"})


def test_no_template_writes_script_or_style_into_a_page() -> None:
    for path in pages.TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert " style=" not in text
        assert " onclick=" not in text
        assert "<script>" not in text
        assert "| safe" not in text
