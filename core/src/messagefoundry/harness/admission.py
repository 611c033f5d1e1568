"""The load's message: one ADT^A01 of about 1.1 kB, different in every copy and cheap to make."""

from .mllp import END, START, timestamp

_TEMPLATE = (
    b"MSH|^~\\&|LOADGEN|SYNTHETIC_GENERAL|ENGINE|HUB|%(now)b||ADT^A01^ADT_A01|%(id)b|T|2.5.1|||AL|NE|USA|ASCII\r"
    b"EVN|A01|%(now)b|||CLERK7^MOCKFORD^DANA^Q^^^^^SYNTH^L^^^EI|%(now)b\r"
    b"PID|1||%(n)b^^^SYNTH^MR~X%(n)b^^^SYNTHNET^PI||LOADTEST%(n)b^SAMPLE^T^^MX^^L||19%(tens)b0417|F||2131-1^Other^CDCREC"
    b"|%(n)b EXAMPLE STREET^UNIT 9^NOWHERE^ZZ^00000^USA^H^^SAMPLE COUNTY||^PRN^PH^^1^555^5550100|^WPN^PH^^1^555^5550101"
    b"|ENG^English^ISO639|S^Single^HL70002|NOR|A%(n)b^^^SYNTH^AN|||||||||||||N\r"
    b"PD1|||SYNTHETIC PRIMARY CARE^^90001|99001^TESTWELL^ROBIN^K^^^MD^^SYNTH\r"
    b"NK1|1|LOADTEST%(n)b^KIN^B|SIB^Sibling^HL70063|%(n)b EXAMPLE STREET^UNIT 9^NOWHERE^ZZ^00000\r"
    b"PV1|1|I|5NORTH^501^B^SYNTH^^^^^TOWER|U|||99001^TESTWELL^ROBIN^K^^^MD^^SYNTH|99002^DEMOSKI^SASHA^^^^MD^^SYNTH||"
    b"SUR||||1|A0||99001^TESTWELL^ROBIN^K^^^MD^^SYNTH|IP|V%(n)b^^^SYNTH^VN|||||||||||||||||||||||||%(now)b\r"
    b"AL1|1|FA^Food allergy^HL70127|F900^Imaginary nuts^L|MO^Moderate^HL70128|Sneezes\r"
    b"DG1|1||Z00.0^General examination of a made-up person^I10|||A\r"
    b"IN1|1|PLAN9^Placeholder Plan^SYNTH|90009|PLACEHOLDER MUTUAL||||GROUP9\r"
)

_DOCUMENT = b"OBX|1|ED|PDF^Document^L||SYNTH^application^pdf^Base64^%b||||||F\r"


def admission(control_id: str, number: int, size: int = 0) -> bytes:
    """Return a framed ADT^A01, padded with a document in OBX-5 to `size` bytes when that is more than it has."""
    content = _TEMPLATE % {
        b"now": timestamp().encode(),
        b"id": control_id.encode(),
        b"n": b"%08d" % number,
        b"tens": b"%02d" % (number % 70 + 30),
    }
    if (padding := size - len(content) - len(_DOCUMENT % b"")) > 0:
        content += _DOCUMENT % (b"x" * padding)
    return START + content + END
