from messagefoundry.harness.mllp import Acknowledgment, Frames, acknowledge, frame, read_acknowledgment, read_header

CONTENT = b"MSH|^~\\&|A|B|ENGINE|HUB|20250101||ADT^A01|7|T|2.5.1\rEVN|A01\r"


def test_frames_are_found_wherever_the_stream_is_cut() -> None:
    stream = frame(CONTENT) + frame(b"second")
    for cut in range(len(stream) + 1):
        frames = Frames()
        assert frames.feed(stream[:cut]) + frames.feed(stream[cut:]) == [CONTENT, b"second"]


def test_a_frame_in_many_pieces_is_one_content() -> None:
    frames, stream = Frames(), frame(CONTENT) + frame(b"second")
    assert [content for at in range(len(stream)) for content in frames.feed(stream[at : at + 1])] == [
        CONTENT,
        b"second",
    ]


def test_bytes_before_the_start_are_noise() -> None:
    assert Frames().feed(b"\r\n" + frame(CONTENT)) == [CONTENT]


def test_header_fields() -> None:
    assert read_header(CONTENT) == ("ENGINE", "7")


def test_a_header_that_is_too_short_has_empty_fields() -> None:
    assert read_header(b"MSH|^~\\&\r") == ("", "")


def test_an_acknowledgment_is_read_back() -> None:
    assert read_acknowledgment(acknowledge("C1", "AE")) == Acknowledgment("AE", "C1")


def test_a_reply_without_msa_has_empty_fields() -> None:
    assert read_acknowledgment(b"MSH|^~\\&\r") == Acknowledgment("", "")
