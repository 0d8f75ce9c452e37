"""Knows the sentences of libxml2, its parser's and its validator's.

The English stays libxml2's own. A sentence that is not in the list comes through as it is.
"""

from nfed.words import recognise

SENTENCES = (
    "Element '{element}', attribute '{attribute}': {fault}",
    "Element '{element}': {fault}",
    # xmlschemas.c
    "This element is not expected. Expected is one of ( {expected} ).",
    "This element is not expected. Expected is ( {expected} ).",
    "This element is not expected.",
    "Missing child element(s). Expected is one of ( {expected} ).",
    "Missing child element(s). Expected is ( {expected} ).",
    (
        "Character content other than whitespace is not allowed because the content type is "
        "'element-only'."
    ),
    "No matching global declaration available for the validation root.",
    "The attribute '{name}' is required but missing.",
    "The attribute '{name}' is not allowed.",
    "[facet 'pattern'] The value '{value}' is not accepted by the pattern '{pattern}'.",
    "[facet 'enumeration'] The value '{value}' is not an element of the set {{{allowed}}}.",
    (
        "[facet 'maxLength'] The value '{value}' has a length of '{length}'; this exceeds the "
        "allowed maximum length of '{most}'."
    ),
    (
        "[facet 'maxLength'] The value has a length of '{length}'; this exceeds the allowed "
        "maximum length of '{most}'."
    ),
    (
        "[facet 'minLength'] The value '{value}' has a length of '{length}'; this underruns "
        "the allowed minimum length of '{least}'."
    ),
    (
        "[facet 'minLength'] The value has a length of '{length}'; this underruns the allowed "
        "minimum length of '{least}'."
    ),
    (
        "[facet 'length'] The value '{value}' has a length of '{length}'; this differs from "
        "the allowed length of '{expected}'."
    ),
    (
        "[facet 'length'] The value has a length of '{length}'; this differs from the allowed "
        "length of '{expected}'."
    ),
    "'{value}' is not a valid value of the atomic type '{kind}'.",
    "'{value}' is not a valid value of the local atomic type.",
    # parser.c
    "Opening and ending tag mismatch: {opened} line {line} and {closed}",
    "Premature end of data in tag {tag} line {line}",
    "Couldn't find end of Start Tag {tag} line {line}",
    "EndTag: '</' not found",
    "Extra content at the end of the document",
    "Start tag expected, '<' not found",
    "StartTag: invalid element name",
    "Document is empty",
    "expected '>'",
    "error parsing attribute name",
    "attributes construct error",
    "AttValue: \" or ' expected",
    "AttValue: ' expected",
    "Unescaped '<' not allowed in attributes values",
    "Specification mandates value for attribute {name}",
    "Attribute {name} redefined",
    "xmlParseEntityRef: no name",
    "EntityRef: expecting ';'",
    "Entity '{name}' not defined",
    "Namespace prefix {prefix} on {name} is not defined",
    "PCDATA invalid Char value {value}",
    "Sequence ']]>' not allowed in content",
    "Input is not proper UTF-8, indicate encoding !",
    "Comment not terminated",
    "CData section not finished",
    "Excessive depth in document: {most}",
)


def in_words(text: str) -> str:
    """The sentence as a message, where it is a known one."""
    return recognise(text, SENTENCES)
