"""Making messages findable: each is cut into its words once, apart from the way in."""

from django.db import transaction

from connectors import lexemes
from connectors.models import Message
from meshline import bulk


def words_of(message: Message) -> str:
    """What a message is found by, as the text of a tsvector."""
    refs = [message.ref, str(message.pk), f"post:{message.receipt_id}"]
    if message.record:
        refs.append(message.record)
    if message.signal_id:
        refs.append(f"signal:{message.signal_id}")
    ids = lexemes.of_ids(message.key, message.type, message.connection.slug, refs=refs)
    return lexemes.vector(ids, lexemes.of_payload(bytes(message.payload)))


@transaction.atomic
def index_batch(*, most: int = 200) -> int:
    """Cut up what passed without being cut up, the newest first; how many there were."""
    wordless = Message.objects.filter(words__isnull=True).exclude(status=Message.Status.ACCEPTED)
    rows = list(
        wordless.select_for_update(of=("self",), skip_locked=True, no_key=True)
        .select_related("connection")
        .order_by("-pk")[:most]
    )
    for message in rows:
        message.words = words_of(message)
    bulk.update(rows, ["words"])
    return len(rows)
