from collections import Counter
from itertools import islice

from messagefoundry.harness.feed import synthetic_messages
from messagefoundry.harness.partner import deliver

from .scripted import running_sink


def fields(message: bytes, segment: str) -> list[str]:
    """Return the fields of a segment; HL7's numbers are the indexes, except in MSH, where they are one more."""
    return next(line.split("|") for line in message.decode().split("\r") if line.startswith(segment))


def test_the_same_seed_gives_the_same_messages() -> None:
    assert list(islice(synthetic_messages(5), 200)) == list(islice(synthetic_messages(5), 200))
    assert list(islice(synthetic_messages(5), 200)) != list(islice(synthetic_messages(6), 200))


def test_control_ids_count_up() -> None:
    ids = [fields(message, "MSH")[9] for message in islice(synthetic_messages(1), 3)]
    assert ids == ["SYN00000001", "SYN00000002", "SYN00000003"]


def test_all_kinds_occur_and_names_vary() -> None:
    messages = list(islice(synthetic_messages(2), 1000))
    kinds = Counter(fields(message, "MSH")[8] for message in messages)
    expected = {"ADT^A01^ADT_A01", "ADT^A03^ADT_A03", "ADT^A04^ADT_A01", "ADT^A08^ADT_A01", "ORU^R01^ORU_R01"}
    assert set(kinds) == expected
    assert len({fields(message, "PID")[5] for message in messages}) > 100


def test_they_cannot_be_taken_for_real_ones() -> None:
    for message in islice(synthetic_messages(3), 300):
        assert fields(message, "MSH")[10] == "T"
        assert "^555^55501" in fields(message, "PID")[13]
        assert "^NOWHERE^ZZ^" in fields(message, "PID")[11]


def test_only_patients_in_the_house_are_updated_and_discharged() -> None:
    house: set[str] = set()
    for message in islice(synthetic_messages(4), 2000):
        patient, trigger = fields(message, "PID")[3], fields(message, "MSH")[8].split("^")[1]
        if trigger in {"A01", "A04"}:
            assert patient not in house
            house.add(patient)
        assert patient in house
        if trigger == "A03":
            assert fields(message, "PV1")[45]
            house.remove(patient)


def test_results_have_values_within_reason() -> None:
    results = [message for message in islice(synthetic_messages(5), 300) if fields(message, "MSH")[8].startswith("ORU")]
    for message in results:
        assert fields(message, "OBR")[25] == "F"
        assert (fields(message, "OBX")[2], fields(message, "OBX")[11]) == ("NM", "F")
        assert float(fields(message, "OBX")[5]) >= 0


def test_a_partner_delivers_them_one_by_one() -> None:
    with running_sink() as sink:
        replies = list(deliver(islice(synthetic_messages(6), 5), sink.ports[0]))
    assert [(reply.code, reply.control_id) for reply in replies] == [("AA", f"SYN{n:08d}") for n in range(1, 6)]
