# SPDX-License-Identifier: Apache-2.0
"""Plugins for tappet in Python; README.md has an introduction, PROTOCOL.md what is said."""
from ._params import (Any, Bool, Choices, Date, Doc, Id, Int, List, Mail, Map, Number, Text,
                      Timestamp)
from ._plugin import Plugin
from ._types import (BadEmit, Doubt, Emitted, Event, Job, PluginError, Refused, Reject, Retry,
                     Stopped)

__all__ = [
    "Any", "BadEmit", "Bool", "Choices", "Date", "Doc", "Doubt", "Emitted", "Event", "Id", "Int",
    "Job", "List", "Mail", "Map", "Number", "Plugin", "PluginError", "Refused", "Reject", "Retry",
    "Stopped", "Text", "Timestamp",
]
