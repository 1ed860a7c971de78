"""Operations: find, explain and redrive deliveries, ask for confirmation, resume topics.

- In: calls of the API, the admin, tasks and status webhooks, and the signal of a resumed topic.
- Out: state changes through ``apps.delivery.state`` only, notifications through ``intake``, and
  texts for people.
- Imported by ``api``, ``admin``, ``tasks`` and ``status_webhooks`` of ``apps.delivery``.

``explain`` says why somebody got a notification or did not, from ``evidence`` and ``reasons``;
``dead_letters`` lists and redrives; ``dry_run`` says who would get one; ``search`` finds
notifications and deliveries; ``export`` has a person's, for ``apps.privacy``.
"""
