"""The blocks of code in README.md."""

import re

from tests.support.harness import ROOT

_TEXT = (ROOT / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", _TEXT, re.DOTALL)
QUERIES = re.findall(r"```sql\n(.*?)```", _TEXT, re.DOTALL)
