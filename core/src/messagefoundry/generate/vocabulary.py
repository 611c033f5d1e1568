"""The words that made-up messages are made of: invented people and places, real codes (tables of HL7 v2.5.1)."""

from __future__ import annotations

from typing import NamedTuple

# fmt: off
FAMILY_NAMES = (
    "Testwell", "Mockford", "Sampleson", "Fakenham", "Dummond", "Trialby", "Specimenson", "Fixturo", "Placeholm",
    "Nonesuch", "Synthgard", "Demosworth", "Lorembury", "Ficticio", "Mustermann", "Beispieler", "Exemplaire",
    "O'Dummy", "van der Proef", "Test-Example", "Prøvesen", "Müsterli", "Éprouvette", "Testowska",
)
FEMALE_NAMES = (
    "Amina", "Beatriz", "Chloé", "Daphne", "Elif", "Fatima", "Grace", "Hannah", "Ingrid", "Jasmine", "Keiko", "Leila",
    "Maria", "Noor", "Olivia", "Priya", "Rosa", "Sofia", "Tamara", "Yara", "Zoë",
)
MALE_NAMES = (
    "Ahmed", "Boris", "Carlos", "Daniel", "Emeka", "François", "George", "Hiro", "Ivan", "José", "Karim", "Liam",
    "Mateo", "Nils", "Omar", "Pavel", "Ravi", "Samuel", "Tomás", "Viktor", "Yusuf",
)
STREETS = (
    "Maple Avenue", "Station Road", "Mill Lane", "Harbour Street", "Church Hill", "Orchard Close", "Sunset Boulevard",
    "River Walk", "Park Crescent", "North Circle",
)
TOWNS = ("Exampleton", "Testville", "Samplebury", "Mockport", "Fixture Falls", "New Nowhere")
EMPLOYERS = ("Example Works", "Sample & Sons", "Testville Schools", "Mockport Docks")
INSURERS = (("EX01", "Example Health Plan"), ("SA02", "Samplebury Mutual"), ("TE03", "Testville Care"))
PLANS = (("HMO1", "Standard plan"), ("PPO2", "Open plan"), ("SEN3", "Senior plan"))
WARDS = ("3NORTH", "4SOUTH", "5WEST", "ICU", "SURG", "MED", "PEDS", "MAT")
CLINICS = ("CARDCLIN", "DERMCLIN", "ORTHCLIN", "EYECLIN", "LABOUT")
# fmt: on

MARITAL = (
    ("S", "Single"),
    ("M", "Married"),
    ("D", "Divorced"),
    ("W", "Widowed"),
    ("A", "Separated"),
    ("P", "Domestic partner"),
)
RACES = (
    ("2106-3", "White"),
    ("2054-5", "Black or African American"),
    ("2028-9", "Asian"),
    ("1002-5", "American Indian or Alaska Native"),
    ("2131-1", "Other Race"),
)
ETHNICITIES = (("N", "Not Hispanic or Latino"), ("H", "Hispanic or Latino"), ("U", "Unknown"))
LANGUAGES = (("eng", "English"), ("spa", "Spanish"), ("fra", "French"), ("deu", "German"), ("ara", "Arabic"))
RELATIONSHIPS = (
    ("SPO", "Spouse"),
    ("PAR", "Parent"),
    ("SIB", "Sibling"),
    ("CHD", "Child"),
    ("EMC", "Emergency contact"),
)
SERVICES = ("MED", "SUR", "URO", "PUL", "CAR")
ALLERGIES = (
    ("DA", "ALG01", "Penicillin", "Hives"),
    ("DA", "ALG02", "Sulfonamides", "Rash"),
    ("FA", "ALG03", "Peanut", "Anaphylaxis"),
    ("FA", "ALG04", "Shellfish", "Swelling"),
    ("EA", "ALG05", "Latex", "Contact dermatitis"),
    ("PA", "ALG06", "Birch pollen", "Rhinitis"),
)
"""Type (table 0127), local code, what, reaction."""
DIAGNOSES = (
    ("J18.9", "Pneumonia, unspecified organism"),
    ("I10", "Essential (primary) hypertension"),
    ("E11.9", "Type 2 diabetes mellitus without complications"),
    ("S52.501A", "Fracture of the lower end of the right radius, initial encounter"),
    ("K35.80", "Unspecified acute appendicitis"),
    ("N39.0", "Urinary tract infection, site not specified"),
    ("I48.91", "Unspecified atrial fibrillation"),
    ("R07.9", "Chest pain, unspecified"),
    ("M54.50", "Low back pain, unspecified"),
    ("G43.909", "Migraine, unspecified, not intractable"),
)
"""ICD-10-CM."""
PROCEDURES = (
    ("0DTJ4ZZ", "Resection of appendix, percutaneous endoscopic approach"),
    ("0FT44ZZ", "Resection of gallbladder, percutaneous endoscopic approach"),
    ("4A023N7", "Measurement of cardiac sampling and pressure, left heart"),
    ("0PSH04Z", "Reposition right radius with internal fixation device"),
)
"""ICD-10-PCS."""
CHARGES = (
    ("T1001", "Room and board, semi-private", 84500),
    ("T2002", "Complete blood count", 3150),
    ("T2003", "Basic metabolic panel", 4275),
    ("T3001", "Chest X-ray, two views", 18900),
    ("T4004", "Physical therapy, 30 minutes", 9600),
    ("T5005", "Emergency department visit, level 3", 61250),
)
"""Local code, text, price in hundredths."""
IMAGING = (
    ("36643-5", "XR Chest 2 Views", ("The lungs are clear.", "Heart size is normal.", "No acute findings.")),
    ("24627-2", "CT Chest", ("No mass and no effusion.", "Mild degenerative changes of the spine.")),
    ("30746-2", "Portable XR Chest", ("Lines and tubes are in place.", "Small left basal atelectasis.")),
)
"""LOINC code, text, and what the report says."""
NOTES = (
    "Specimen received in good condition.",
    "Result phoned to the ward & read back.",
    "Please call the ward before transport.",
    "Synthetic message, made for testing.",
    "Patient prefers mornings.",
)
DOCUMENTS = (
    ("DS", "Discharge summary", ("Course: uneventful.", "Condition at discharge: good.", "Follow-up in two weeks.")),
    ("HP", "History and physical", ("Chief complaint: cough for three days.", "Chest: clear on both sides.")),
    ("OP", "Operative report", ("Procedure performed without complications.", "Blood loss: minimal.")),
    ("CN", "Consultation", ("Thank you for this referral.", "Recommendation: conservative treatment.")),
    ("PN", "Progress note", ("Patient feels better today.", "Plan: continue.")),
)
"""Type (table 0270), title, and paragraphs."""
APPOINTMENTS = (
    ("CHECKUP", "Annual check-up", 30),
    ("FOLLOWUP", "Follow-up visit", 15),
    ("ROUTINE", "Routine visit", 20),
    ("WALKIN", "Walk-in visit", 15),
)
"""Reason (table 0276), text, minutes."""
ROUTES = {
    "PO": "Oral",
    "SC": "Subcutaneous",
    "IV": "Intravenous",
    "IM": "Intramuscular",
    "IH": "Inhalation",
}
VACCINES = (
    ("141", "Influenza, seasonal, injectable", "0.5", "PMC", "Sanofi Pasteur"),
    ("115", "Tdap", "0.5", "SKB", "GlaxoSmithKline"),
    ("133", "Pneumococcal conjugate PCV 13", "0.5", "WAL", "Wyeth"),
    ("03", "MMR", "0.5", "MSD", "Merck"),
    ("10", "Polio, inactivated", "0.5", "PMC", "Sanofi Pasteur"),
)
"""CVX code, text, millilitres, MVX code, manufacturer."""
SPECIMENS = (("BLDV", "Blood venous", "VENIP", "Venipuncture"), ("PLAS", "Plasma", "VENIP", "Venipuncture"))
"""Type (table 0487) and collection method (table 0488)."""


class Medication(NamedTuple):
    """A medication: local code, text, one dose, how it is given and how often."""

    code: str
    text: str
    dose: int
    unit: str
    """UCUM"""
    form: str
    form_text: str
    route: str
    """table 0162"""
    pattern: str
    """table 0335"""


MEDICATIONS = (
    Medication("RX1001", "Amoxicillin 500 mg capsule", 500, "mg", "CAP", "Capsule", "PO", "TID"),
    Medication("RX1002", "Metformin 850 mg tablet", 850, "mg", "TAB", "Tablet", "PO", "BID"),
    Medication("RX1003", "Lisinopril 10 mg tablet", 10, "mg", "TAB", "Tablet", "PO", "QAM"),
    Medication("RX1004", "Enoxaparin 40 mg/0.4 mL injection", 40, "mg", "INJ", "Injection", "SC", "QPM"),
    Medication("RX1005", "Paracetamol 1 g infusion", 1, "g", "INF", "Infusion", "IV", "QID"),
    Medication("RX1006", "Salbutamol 100 ug inhaler", 100, "ug", "INH", "Inhaler", "IH", "PRN"),
)


class Analyte(NamedTuple):
    """One measured quantity: LOINC, text, UCUM unit, reference range, decimals."""

    code: str
    text: str
    unit: str
    low: float
    high: float
    decimals: int


class Panel(NamedTuple):
    """An orderable laboratory test: LOINC, text, what it measures."""

    code: str
    text: str
    analytes: tuple[Analyte, ...]


PANELS = (
    Panel(
        "58410-2",
        "CBC panel - Blood by Automated count",
        (
            Analyte("6690-2", "Leukocytes [#/volume] in Blood", "10*3/uL", 4.5, 11.0, 1),
            Analyte("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 12.0, 16.0, 1),
            Analyte("4544-3", "Hematocrit [Volume Fraction] of Blood", "%", 36.0, 46.0, 1),
            Analyte("777-3", "Platelets [#/volume] in Blood", "10*3/uL", 150, 400, 0),
        ),
    ),
    Panel(
        "51990-0",
        "Basic metabolic panel - Blood",
        (
            Analyte("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 70, 99, 0),
            Analyte("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", 136, 145, 0),
            Analyte("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 3.5, 5.1, 1),
            Analyte("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.6, 1.3, 2),
        ),
    ),
    Panel(
        "24331-1",
        "Lipid 1996 panel - Serum or Plasma",
        (
            Analyte("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "mg/dL", 120, 200, 0),
            Analyte("2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", "mg/dL", 40, 150, 0),
            Analyte("2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma", "mg/dL", 40, 60, 0),
        ),
    ),
    Panel(
        "3016-3",
        "Thyrotropin [Units/volume] in Serum or Plasma",
        (Analyte("3016-3", "Thyrotropin [Units/volume] in Serum or Plasma", "m[IU]/L", 0.4, 4.0, 2),),
    ),
)
VITALS = (
    Analyte("8302-2", "Body height", "cm", 150, 195, 0),
    Analyte("29463-7", "Body weight", "kg", 50, 110, 1),
    Analyte("8867-4", "Heart rate", "/min", 60, 100, 0),
    Analyte("8310-5", "Body temperature", "Cel", 36.1, 37.5, 1),
)
