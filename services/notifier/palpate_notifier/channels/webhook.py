"""Signed webhooks to a person's own address."""

import json
from datetime import datetime

from palpate_notifier.directory import Webhook
from palpate_notifier.settings import NotifierSettings
from palpate_notifier.tables import Delivery
from palpate_runtime import webhooks
from palpate_runtime.attempt import Attempt, Sent


async def send(delivery: Delivery, webhook: Webhook, settings: NotifierSettings, now: datetime) -> Attempt:
    """One attempt at one message.  The same delivery has the same `webhook-id`, however often it is sent."""
    try:
        secret = webhook.secret().get_secret_value()
    except (OSError, ValueError) as error:
        # The secret's file is not there: somebody can mend that.
        return Attempt(Sent.LATER, type(error).__name__)
    message = webhooks.Message(delivery.id, body_of(delivery))
    async with webhooks.new_client(settings.webhook_timeout_s) as client:
        return await webhooks.post(
            message, webhook.url, secret, now, private=settings.webhook_private_addresses, client=client
        )


def body_of(delivery: Delivery) -> str:
    """What is sent: the subject and the thin text.  No claim is named in it."""
    data = {
        "person": delivery.person,
        "practice": delivery.practice,
        "subject": delivery.subject,
        "text": delivery.text,
    }
    return json.dumps(
        {"type": f"palpate.{delivery.kind}", "timestamp": delivery.created_at.isoformat(), "data": data},
        ensure_ascii=False,
    )
