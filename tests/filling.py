"""A form as a browser has it: what it would send as it stands, read from the page."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    """Gathers the fields of every form of a page, by the form's action and class."""

    def __init__(self):
        super().__init__()
        self.forms = []
        self._form = self._select = self._area = None
        self._options, self._chosen = [], []

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "form":
            self._form = {"action": a.get("action", ""), "class": a.get("class", ""), "data": {}}
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "input" and a.get("name"):
            is_box = a.get("type") in ("checkbox", "radio")
            if not is_box or "checked" in a:
                self._add(a["name"], a.get("value", "on" if is_box else ""))
        elif tag == "select":
            self._select = a.get("name"), "multiple" in a
            self._options, self._chosen = [], []
        elif tag == "option" and self._select:
            self._options.append(a.get("value", ""))
            if "selected" in a:
                self._chosen.append(a.get("value", ""))
        elif tag == "textarea" and a.get("name"):
            self._area = a["name"]
            self._add(self._area, "")

    def handle_data(self, data):
        if self._area and self._form is not None:
            self._form["data"][self._area][-1] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag == "select" and self._select:
            self._end_select(*self._select)
            self._select = None
        elif tag == "textarea":
            self._area = None

    def _end_select(self, name, several):
        # Where one is to be chosen and none is, a browser sends the first.
        for value in self._chosen or ([] if several else self._options[:1]):
            self._add(name, value)

    def _add(self, name, value):
        self._form["data"].setdefault(name, []).append(value)


def forms(answer):
    reader = _Reader()
    reader.feed(answer.content.decode())
    return reader.forms


def form(answer, *, action=None, css=None):
    """What the one form of this action (its end) or class would send."""
    found = [
        one
        for one in forms(answer)
        if (action is None or one["action"].endswith(action))
        and (css is None or css in one["class"])
    ]
    assert len(found) == 1, [(one["action"], one["class"]) for one in forms(answer)]
    data = {name: list(values) for name, values in found[0]["data"].items()}
    data.pop("csrfmiddlewaretoken", None)
    for name, values in data.items():
        # A browser leaves the first line end of a textarea out.
        data[name] = [value.removeprefix("\n") for value in values]
    return data
