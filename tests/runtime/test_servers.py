"""Which Redis a URL names, and which partition a patient."""

import pytest

from palpate_runtime.servers import Servers, WrongUrl, broker_for
from palpate_runtime.settings import RuntimeSettings
from palpate_schemas.streams import partition_in, partition_of, partitioned, stream_for


def test_a_plain_url_is_one_server() -> None:
    found = Servers.of("redis://user:p%40ss@redis.example:6380/2")
    assert (found.kind, found.nodes, found.tls, found.db) == ("redis", (("redis.example", 6380),), False, 2)
    assert found.login == {"username": "user", "password": "p@ss"}


def test_a_cluster_has_its_nodes() -> None:
    found = Servers.of("rediss+cluster://:secret@a:7000,b,[::1]:7002")
    assert (found.kind, found.tls) == ("cluster", True)
    assert found.nodes == (("a", 7000), ("b", 6379), ("::1", 7002))
    assert found.login == {"password": "secret"}


def test_sentinels_name_their_master() -> None:
    found = Servers.of("redis+sentinel://s1,s2:26380/palpate/1")
    assert (found.kind, found.nodes) == ("sentinel", (("s1", 26379), ("s2", 26380)))
    assert (found.master, found.db) == ("palpate", 1)


@pytest.mark.parametrize("url", ["redis+sentinel://s1:26379", "http://x", "redis+ring://x", "redis://"])
def test_what_is_no_redis_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(WrongUrl) as refused:
        Servers.of(url.replace("://", "://:hunter2@") if url != "redis://" else url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://a:1/0", "RedisBroker"),
        ("redis+cluster://a:1,b:2", "RedisClusterBroker"),
        ("redis+sentinel://a:1,b:2/m", "RedisSentinelBroker"),
    ],
)
def test_the_broker_follows_from_the_url(url: str, kind: str) -> None:
    assert type(broker_for(RuntimeSettings(redis_url=url))).__name__ == kind


def test_one_partition_has_plain_names_except_on_a_cluster() -> None:
    assert RuntimeSettings(redis_url="redis://a").all_partitions == (None,)
    assert RuntimeSettings(redis_url="redis://a", partitions=3).all_partitions == (0, 1, 2)
    assert RuntimeSettings(redis_url="redis+cluster://a").all_partitions == (0,)


def test_a_patient_is_always_in_the_same_partition() -> None:
    # CRC-32 of "123456789" is the check value of its definition, 0xCBF43926.
    assert partition_of("123456789", 0x1_0000_0000) == 0xCBF43926
    assert stream_for("123456789", 8) == "claims.created:{6}"
    assert stream_for("123456789", 1) == "claims.created"
    assert stream_for("123456789", 1, cluster=True) == "claims.created:{0}"


def test_a_stream_says_its_partition() -> None:
    assert partition_in(partitioned("claims.created", 12)) == 12
    assert partition_in(partitioned("claims.created", None)) is None
