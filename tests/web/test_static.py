"""What is served as it lies: vendored files, icons that exist, no inline script or style."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.management import call_command

from meshline.web import states

STATIC = project.BASE_DIR / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = sorted((project.BASE_DIR / "templates").rglob("*.html"))
SOURCES = [*TEMPLATES, Path(__file__).with_name("kit.html")]
SPRITE = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
ROWS = re.findall(
    r"^\| (\S+) \| ([^|]+) \| ([^|]+) \| ([0-9a-f]{64}) \|$",
    (VENDOR / "MANIFEST.md").read_text(),
    re.MULTILINE,
)

FORBIDDEN = {
    "an inline style": r"\sstyle\s*=",
    "a style element": r"<style",
    "a script without src": r"<script(?![^>]*\ssrc=)",
    "an event handler": r"\son[a-z]+\s*=",
    "hx-on": r"\shx-on",
    "a filter in a trigger": r'hx-trigger="[^"]*\[',
    "a javascript: address": r"javascript:",
    "js: values": r'hx-(vals|headers)="\s*js:',
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_template_needs_what_the_policy_forbids(path):
    found = [what for what, shape in FORBIDDEN.items() if re.search(shape, path.read_text(), re.I)]
    assert found == []


@pytest.mark.parametrize("what", FORBIDDEN)
def test_each_of_these_would_be_found(what):
    bad = {
        "an inline style": '<p style="color: red">',
        "a style element": "<style>",
        "a script without src": "<script>1</script>",
        "an event handler": '<p onclick="x()">',
        "hx-on": '<p hx-on:click="x()">',
        "a filter in a trigger": '<p hx-trigger="keyup[ctrlKey]">',
        "a javascript: address": '<a href="javascript:x()">',
        "js: values": '<p hx-vals="js:{}">',
    }
    assert re.search(FORBIDDEN[what], bad[what], re.I)


def test_every_vendored_file_is_the_one_in_the_manifest():
    assert ROWS
    for name, _source, _licence, digest in ROWS:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


def test_every_vendored_file_is_in_the_manifest_with_its_licence():
    there = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}
    assert there - {"MANIFEST.md"} == {row[0] for row in ROWS}
    for folder in VENDOR.iterdir():
        assert folder.is_file() or (folder / "LICENSE").exists(), folder


def test_no_file_asks_for_a_map_that_is_not_there():
    for path in [*STATIC.rglob("*.css"), *STATIC.rglob("*.js")]:
        assert "sourceMappingURL" not in path.read_text(), path


def test_everything_can_be_collected_under_hashed_names(settings, tmp_path):
    manifest = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": manifest}
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    paths = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    assert "vendor/tabler/tabler.min.css" in paths
    css = (tmp_path / paths["meshline.css"]).read_text()
    assert paths["vendor/inter/inter-latin-wght-normal.woff2"].rpartition("/")[2] in css


def test_every_icon_that_is_named_exists():
    shape = r"""\{% icon ["']([\w-]+)["']|icon=["']([\w-]+)["']"""
    found = [names for path in SOURCES for names in re.findall(shape, path.read_text())]
    named = {name for names in found for name in names if name}
    known = {*named, *states._ICONS.values(), *states.TONE_ICONS.values()}
    assert known - SPRITE == set()


def test_no_state_has_two_tones():
    words = [word for group in states._TONES.values() for word in group.split()]
    assert len(words) == len(set(words))


def test_chips_can_be_read_in_light_and_dark():
    css = (STATIC / "meshline.css").read_text()
    for scheme in ('[data-bs-theme="light"] {', '[data-bs-theme="dark"] {'):
        tokens = dict(
            re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", css.split(scheme)[1].split("}")[0])
        )
        for tone in ("danger", "warn", "ok", "info", "neutral"):
            assert _contrast(tokens[tone], tokens[f"{tone}-soft"]) >= 7, (scheme, tone)
        for ink in ("ink", "ink-2", "ink-3", "accent"):
            assert _contrast(tokens[ink], tokens["paper"]) >= 4.5, (scheme, ink)
            assert _contrast(tokens[ink], tokens["ground"]) >= 4.5, (scheme, ink)


def _contrast(one, other):
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
