"""Template tags for the parts that pages are made of. One load brings all: ``{% load components %}``.

Each draws one template of `templates/components/` from plain values that the view prepared; none of them reads the
database. The page `/components/` of the demo shows every one in every state. The tags that write one value are those of
`formats`, which this library brings as well.
"""

from django import template

from portal.templatetags import formats
from portal.templatetags.components import figures, forms, frames, places, tables

register = template.Library()
for part in (formats, forms, figures, tables, places, frames):
    register.tags.update(part.register.tags)
    register.filters.update(part.register.filters)
