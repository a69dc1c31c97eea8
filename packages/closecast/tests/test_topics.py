from closecast.topics import Topics


def test_every_topic_carries_the_prefix_and_a_cleanup_policy() -> None:
    topics = list(Topics("team."))
    assert {topic.name for topic in topics} == {
        "team.quotes",
        "team.training-requests",
        "team.models",
        "team.forecasts",
        "team.backfill-requests",
        "team.backfills",
        "team.quotes.dead-letters",
        "team.training-requests.dead-letters",
        "team.backfill-requests.dead-letters",
    }
    assert all(topic.config["cleanup.policy"] for topic in topics)


def test_quotes_and_models_are_kept_for_ever() -> None:
    topics = Topics()
    assert topics.quotes.config == topics.models.config == {"cleanup.policy": "compact"}


def test_the_trainers_are_elected_by_one_partition() -> None:
    assert Topics().training_requests.single_partition


def test_what_was_fetched_is_kept_for_ever_and_the_requests_for_a_month() -> None:
    topics = Topics()
    assert topics.backfills.config == {"cleanup.policy": "compact"}
    assert topics.backfill_requests.config == topics.training_requests.config
