"""``python -m deploy.grafana.dashboards``: write Grafana's dashboards, ``*.json`` beside it."""

from pathlib import Path

from deploy.grafana.document import Dashboard, Panel, Query, text

HERE = Path(__file__).resolve().parent
#: The range of ``rate``: as many scrapes as it needs where the dashboard is shown.
EVERY = "$__rate_interval"


def _quantiles(metric: str, by: str, where: str = "") -> list[Query]:
    """Return the median and the 99th percentile of a histogram of seconds."""
    legend = f"{{{{{by}}}}} " if by else ""
    labels = f"{by}, le" if by else "le"
    return [
        Query(
            f"histogram_quantile({share}, sum by ({labels}) "
            f"(rate({metric}_bucket{where}[{EVERY}])))",
            f"{legend}p{share * 100:.0f}",
        )
        for share in (0.5, 0.99)
    ]


OVERVIEW = Dashboard(
    "overview",
    "Notifier: overview",
    [
        [
            Panel(
                "Alerts",
                "Alerts that fire now.",
                "short",
                [Query('count(ALERTS{alertstate="firing"}) or vector(0)')],
                "stat",
            ),
            Panel(
                "Accepted a second",
                "Notifications that were answered with 202.",
                "short",
                [Query(f"sum(rate(notifier_accepted_total[{EVERY}]))")],
                "stat",
            ),
            Panel(
                "Attempts a second",
                "Calls to providers, whatever became of them.",
                "short",
                [Query(f"sum(rate(notifier_attempts_total[{EVERY}]))")],
                "stat",
            ),
            Panel(
                "Dead letters",
                "Deliveries that were given up and not redriven, of the newest 10,000.",
                "short",
                [Query("sum(notifier:dead_letters)")],
                "stat",
            ),
        ],
        [
            Panel(
                "Accepted",
                "Notifications accepted a second, by priority.",
                "short",
                [
                    Query(
                        f"sum by (priority) (rate(notifier_accepted_total[{EVERY}]))",
                        "{{priority}}",
                    )
                ],
            ),
            Panel(
                "Deliveries",
                "Attempts a second, by channel and the state that the delivery got.",
                "short",
                [
                    Query(
                        f"sum by (channel, state) (rate(notifier_attempts_total[{EVERY}]))",
                        "{{channel}} {{state}}",
                    )
                ],
            ),
        ],
        [
            Panel(
                "One-time passwords",
                "Seconds from acceptance of an urgent notification to the first call to a provider."
                " Promised: p99 below 1 s.",
                "s",
                _quantiles("notifier_accept_to_provider_seconds", "", '{priority="high"}'),
            ),
            Panel(
                "Late one-time passwords",
                "Of urgent deliveries, the share that began later than a second after acceptance. "
                "Allowed: 1 % over a month.",
                "percentunit",
                [
                    Query(f"notifier:high_late:ratio_rate{window}", window)
                    for window in ("5m", "1h", "6h")
                ],
            ),
        ],
        [
            Panel(
                "Backlog",
                "Deliveries that are due and not sent, up to 10,000 of each queue.",
                "short",
                [Query("notifier:waiting_deliveries", "{{channel}} {{priority}}")],
            ),
            Panel(
                "Age of the backlog",
                "Seconds for which the oldest of them has been due.",
                "s",
                [Query("notifier:oldest_waiting_seconds", "{{channel}} {{priority}}")],
            ),
            Panel(
                "Dead letters by reason",
                "Of the newest 10,000.",
                "short",
                [
                    Query(
                        "max by (channel, reason) (notifier_dead_letters)", "{{channel}} {{reason}}"
                    )
                ],
            ),
        ],
    ],
)

_OF = '{provider=~"$provider"}'
PROVIDERS = Dashboard(
    "providers",
    "Notifier: providers",
    [
        [
            Panel(
                "Success",
                "The share of calls that did not fail for the provider's fault or ours.",
                "percentunit",
                [Query(f"1 - notifier:provider_failed:ratio_rate5m{_OF}", "{{provider}}")],
            ),
            Panel(
                "Breaker",
                "0 closed, 1 half open, 2 open, 3 paused by an operator.",
                "short",
                [Query(f"max by (provider) (notifier_breaker_state{_OF})", "{{provider}}")],
            ),
        ],
        [
            Panel(
                "Attempts by state",
                "Calls a second, by the state that the delivery got.",
                "short",
                [
                    Query(
                        f"sum by (provider, state) (rate(notifier_attempts_total{_OF}[{EVERY}]))",
                        "{{provider}} {{state}}",
                    )
                ],
            ),
            Panel(
                "Reasons of failed attempts",
                "Calls a second that did not succeed; docs/reasons.md explains each.",
                "short",
                [
                    Query(
                        "sum by (provider, reason) (rate(notifier_attempts_total"
                        f'{{provider=~"$provider", reason!=""}}[{EVERY}]))',
                        "{{provider}} {{reason}}",
                    )
                ],
            ),
        ],
        [
            Panel(
                "Latency",
                "Seconds that a call took.",
                "s",
                _quantiles("notifier_provider_seconds", "provider", _OF),
            ),
            Panel(
                "Calls in flight and their limit",
                "The limit falls while a provider is slow or failing.",
                "short",
                [
                    Query(f"sum by (provider) (notifier_provider_calls{_OF})", "{{provider}}"),
                    Query(
                        f"sum by (provider) (notifier_provider_calls_limit{_OF})",
                        "{{provider}} limit",
                    ),
                ],
            ),
        ],
        [
            Panel(
                "Receipts",
                "Calls by providers that report later, a second: taken, or refused for their "
                "signature.",
                "short",
                [
                    Query(
                        f"sum by (provider, outcome) (rate(notifier_receipts_total{_OF}[{EVERY}]))",
                        "{{provider}} {{outcome}}",
                    )
                ],
            ),
            Panel(
                "Addresses given up",
                "In the last hour, for what the provider answered.",
                "short",
                [
                    Query(
                        "sum by (provider, reason) "
                        f"(increase(notifier_addresses_given_up_total{_OF}[1h]))",
                        "{{provider}} {{reason}}",
                    )
                ],
            ),
            Panel(
                "Providers not believed, hosts left alone",
                "1 while a provider calls too many addresses dead; hosts of webhooks that do not "
                "answer.",
                "short",
                [
                    Query(f"max by (provider) (notifier_addresses_doubted{_OF})", "{{provider}}"),
                    Query("max(notifier_hosts_left_alone)", "hosts"),
                ],
            ),
        ],
    ],
    [("provider", "label_values(notifier_breaker_state, provider)")],
)

INFRASTRUCTURE = Dashboard(
    "infrastructure",
    "Notifier: infrastructure",
    [
        [
            Panel(
                "Scraped",
                "1 for each instance that answers.",
                "short",
                [Query('up{job="notifier"}', "{{instance}}")],
            ),
            Panel(
                "Last sign of life",
                "Seconds since each process last looked for work.",
                "s",
                [
                    Query(
                        "time() - min by (instance, process) "
                        "(notifier_heartbeat_timestamp_seconds)",
                        "{{process}} {{instance}}",
                    )
                ],
            ),
        ],
        [
            Panel(
                "Broker",
                "1 when it answers.",
                "short",
                [Query("max(notifier_broker_up)", "broker")],
            ),
            Panel(
                "Doorbells in queues",
                "0 or a few, whatever waits in the database; 100 is full.",
                "short",
                [Query("max by (queue) (notifier_queue_depth)", "{{queue}}")],
            ),
            Panel(
                "Refused for overload",
                "1 while notifications of a priority for a channel are refused with 503.",
                "short",
                [
                    Query(
                        "max by (channel, priority) (notifier_overload)", "{{channel}} {{priority}}"
                    )
                ],
            ),
        ],
        [
            Panel(
                "Without Redis",
                "A second: requests without a rate, breakers and quotas that only one process "
                "knew, caps counted in the database.",
                "short",
                [
                    Query(f"sum(rate({metric}[{EVERY}]))", legend)
                    for metric, legend in (
                        ("notifier_unlimited_requests_total", "requests"),
                        ("notifier_unshared_breakers_total", "breakers"),
                        ("notifier_unshared_throttles_total", "quotas"),
                        ("notifier_frequency_caps_from_database_total", "caps"),
                    )
                ],
            ),
            Panel(
                "Schedules",
                "Seconds for which the oldest due schedule has not been run, and how many failed "
                "last.",
                "short",
                [
                    Query("max(notifier_schedules_overdue_seconds)", "overdue, seconds"),
                    Query("max(notifier_schedules_failing)", "failing"),
                ],
            ),
            Panel(
                "Partitions ahead",
                "Days from tomorrow on for which the large tables have partitions: a week. Empty "
                "where they are not partitioned.",
                "short",
                [Query("max(notifier_partition_days_ahead)", "days")],
            ),
        ],
        [
            Panel(
                "Open streams",
                "Pages with an open inbox.",
                "short",
                [Query("sum by (instance) (notifier_stream_connections)", "{{instance}}")],
            ),
            Panel(
                "From a change to an open page",
                "Seconds until a page was told.",
                "s",
                _quantiles("notifier_stream_seconds", ""),
            ),
        ],
        [
            Panel(
                "Log-ins to the admin",
                "In the last hour: accepted, refused (a wrong password), paused (tried too often).",
                "short",
                [Query("sum by (outcome) (increase(notifier_log_ins_total[1h]))", "{{outcome}}")],
            ),
            Panel(
                "Changes of the directory",
                "A second, by who made them.",
                "short",
                [
                    Query(
                        f"sum by (actor, change) (rate(notifier_directory_changes_total[{EVERY}]))",
                        "{{actor}} {{change}}",
                    )
                ],
            ),
        ],
    ],
)
DASHBOARDS = (OVERVIEW, PROVIDERS, INFRASTRUCTURE)


def main() -> None:
    """Write the files."""
    for dashboard in DASHBOARDS:
        (HERE / f"{dashboard.name}.json").write_text(text(dashboard))


if __name__ == "__main__":
    main()
