from closecast.topics import Topics


def test_every_topic_carries_the_prefix_and_a_cleanup_policy() -> None:
    topics = list(Topics("team."))
    assert {topic.name for topic in topics} == {
        "team.quotes",
        "team.training-requests",
        "team.models",
        "team.forecasts",
        "team.quotes.dead-letters",
        "team.training-requests.dead-letters",
    }
    assert all(topic.config["cleanup.policy"] for topic in topics)


def test_quotes_and_models_are_kept_for_ever() -> None:
    topics = Topics()
    assert topics.quotes.config == topics.models.config == {"cleanup.policy": "compact"}


def test_the_trainers_are_elected_by_one_partition() -> None:
    assert Topics().training_requests.single_partition
