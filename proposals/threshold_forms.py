"""From which amount on a proposal is held: one row a currency, and one to add another."""

from typing import Any

from django import forms

from meshline.web.forms import CleanText

_NEW = "new"


class ThresholdsForm(forms.Form):
    """An amount for each currency; an empty one takes its currency out."""

    new_currency = CleanText(
        required=False, max_length=3, label="Another currency", help_text="Such as EUR."
    )
    new_amount = CleanText(required=False, max_length=40, label="From this amount on")

    def __init__(self, *args: Any, kept: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currencies = sorted(kept)
        for currency in self.currencies:
            self.fields[f"amount-{currency}"] = CleanText(
                required=False, max_length=40, initial=kept[currency],
                label=f"{currency}, from this amount on",
            )  # fmt: skip

    def clean(self) -> None:
        asked = self.cleaned_data
        if asked.get("new_amount") and not asked.get("new_currency"):
            self.add_error("new_currency", "Name the currency of that amount.")
        if asked.get("new_currency") and not asked.get("new_amount"):
            self.add_error("new_amount", "Write the amount for that currency.")

    @property
    def wanted(self) -> dict[str, str]:
        asked = self.cleaned_data
        kept = {one: asked.get(f"amount-{one}", "") for one in self.currencies}
        new = {asked["new_currency"].upper(): asked["new_amount"]} if asked["new_currency"] else {}
        return {one: _plain(amount) for one, amount in {**kept, **new}.items() if amount}

    @property
    def rows(self) -> list[Any]:
        return [self[f"amount-{currency}"] for currency in self.currencies]

    def refuse(self, currency: str | None, sentence: str) -> None:
        """Show what is wrong at the row of that currency."""
        name = f"amount-{currency}"
        is_new = self.cleaned_data.get("new_currency", "").upper() == currency
        self.add_error("new_amount" if is_new else name if name in self.fields else None, sentence)


def _plain(amount: str) -> str:
    """ "50,000" as people write it, too."""
    return amount.replace(",", "").replace(" ", "")
