"""What does a contact in time do to staying? Landmarks, standardised, with lots as the judge."""

from siyu.studies.retention.contact.conclude import conclude
from siyu.studies.retention.contact.definition import Contact, read_contacts
from siyu.studies.retention.contact.estimate import Effects, Judge, effects, judge
from siyu.studies.retention.contact.figures import draw_effects, draw_overlap
from siyu.studies.retention.contact.measure import measure
from siyu.studies.retention.contact.measures import Measures
from siyu.studies.retention.contact.sentences import say_effects, say_judge, say_naive

__all__ = [
    "Contact",
    "Effects",
    "Judge",
    "Measures",
    "conclude",
    "draw_effects",
    "draw_overlap",
    "effects",
    "judge",
    "measure",
    "read_contacts",
    "say_effects",
    "say_judge",
    "say_naive",
]
