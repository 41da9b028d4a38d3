"""Tags that draw a frame around what stands between them and their end, and blocks drawn again."""

from django import template
from django.template import Context
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.loader import render_to_string
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def repeat_block(context: Context, name: str) -> SafeString:
    """Draw a block of the page once more, so that its title and its heading are written once."""
    blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
    block = blocks.get_block(name) if blocks else None
    return SafeString(block.nodelist.render(context).strip()) if block else SafeString("")


class FrameNode(template.Node):
    """Draws a component template around what stands between the tag and its end."""

    def __init__(
        self,
        template_name: str,
        positions: list[FilterExpression],
        names: dict[str, FilterExpression],
        inner: NodeList,
    ) -> None:
        self.template_name = template_name
        self.positions = positions
        self.names = names
        self.nodelist = inner

    def render(self, context: Context) -> SafeString:
        """Draw the frame with the inner part as ``inner``."""
        values = {name: expression.resolve(context) for name, expression in self.names.items()}
        values |= {f"position_{number}": part.resolve(context) for number, part in enumerate(self.positions)}
        with context.push():
            values["inner"] = self.nodelist.render(context)
        values["lender"] = context.get("lender")
        return render_to_string(self.template_name, values)


def _frame_tag(name: str, template_name: str) -> None:
    def compile_frame(parser: Parser, token: Token) -> FrameNode:
        bits = token.split_contents()[1:]
        positions: list[FilterExpression] = []
        names: dict[str, FilterExpression] = {}
        for bit in bits:
            named = token_kwargs([bit], parser)
            if named:
                names |= named
            else:
                positions.append(parser.compile_filter(bit))
        inner = parser.parse((f"end{name}",))
        parser.delete_first_token()
        return FrameNode(template_name, positions, names, inner)

    register.tag(name, compile_frame)


# {% notice "warn" _("Title") %}...{% endnotice %}: tones plain, good, warn, bad.
_frame_tag("notice", "components/notice.html")
# {% tableframe caption=_("Units") id="units" code=lender.currency %}<thead>...</tbody>{% endtableframe %}
_frame_tag("tableframe", "components/tableframe.html")
# {% actionbar %}<button ...>{% endactionbar %}: the bar at the foot of a form whose table has check boxes.
_frame_tag("actionbar", "components/actionbar.html")
