/* The canonical form of an element for which it is plain: one namespace, no prefix, no comment.
 *
 * That is what nearly all notes are; libxml2 writes the others. */

#include "tree.h"

/* libxml2 is not linked, only its trees are read. */
static int
order_of(const xmlChar *left, const xmlChar *right)
{
    return strcmp((const char *)left, (const char *)right);
}

typedef struct {
    Buffer out;
    Buffer scratch;
    const xmlChar *namespace;
} Writing;

enum { PLAIN = 1, NOT_PLAIN = 0 }; /* and -1 with an error */

/* What stands for a byte in a text, and in an attribute's value; NULL: itself. */
static const char *const in_text[256] = {
    ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['\r'] = "&#xD;",
};
static const char *const in_value[256] = {
    ['&'] = "&amp;",  ['<'] = "&lt;",   ['"'] = "&quot;",
    ['\t'] = "&#x9;", ['\n'] = "&#xA;", ['\r'] = "&#xD;",
};

static int
add_escaped(Buffer *out, const char *text, size_t length, const char *const *escapes)
{
    const char *end = text + length, *begin = text;
    for (; text < end; text++) {
        const char *escape = escapes[(unsigned char)*text];
        if (escape != NULL) {
            if (buffer_add(out, begin, (size_t)(text - begin)) < 0
                || buffer_add(out, escape, strlen(escape)) < 0) {
                return -1;
            }
            begin = text + 1;
        }
    }
    return buffer_add(out, begin, (size_t)(end - begin));
}

static int
add_name(Buffer *out, const char *before, const xmlChar *name)
{
    return buffer_add(out, before, strlen(before)) < 0
            || buffer_add(out, name, strlen((const char *)name)) < 0
        ? -1
        : 0;
}

/* Attributes in the order of their names; of one that has a namespace, nothing is plain. */
static int
add_attributes(Writing *writing, const xmlNode *element)
{
    enum { MOST = 16 }; /* each is looked for among all */
    const xmlAttr *before = NULL;
    int count = 0;
    for (const xmlAttr *each = element->properties; each != NULL; each = each->next) {
        if (++count > MOST || each->ns != NULL) {
            return NOT_PLAIN;
        }
    }
    for (;;) {
        const xmlAttr *next = NULL;
        for (const xmlAttr *each = element->properties; each != NULL; each = each->next) {
            bool comes_later = before == NULL || order_of(each->name, before->name) > 0;
            if (comes_later && (next == NULL || order_of(each->name, next->name) < 0)) {
                next = each;
            }
        }
        if (next == NULL) {
            return PLAIN;
        }
        size_t length;
        const char *text = text_of(next->children, &writing->scratch, &length);
        if (text == NULL || add_name(&writing->out, " ", next->name) < 0
            || buffer_add(&writing->out, "=\"", 2) < 0
            || add_escaped(&writing->out, text, length, in_value) < 0
            || buffer_add(&writing->out, "\"", 1) < 0) {
            return -1;
        }
        before = next;
    }
}

static bool
is_in_namespace(const xmlNode *element, const xmlChar *namespace)
{
    for (const xmlNs *each = element->nsDef; each != NULL; each = each->next) {
        if (each->prefix != NULL || each->href == NULL || order_of(each->href, namespace) != 0) {
            return false;
        }
    }
    const xmlNs *own = element->ns;
    return own != NULL && own->prefix == NULL
        && own->href != NULL
        && (own->href == namespace || order_of(own->href, namespace) == 0);
}

static int
add_element(Writing *writing, const xmlNode *element, bool is_top)
{
    Buffer *out = &writing->out;
    if (!is_in_namespace(element, writing->namespace)) {
        return NOT_PLAIN;
    }
    if (add_name(out, "<", element->name) < 0
        || (is_top
            && (add_name(out, " xmlns=\"", writing->namespace) < 0
                || buffer_add(out, "\"", 1) < 0))) {
        return -1;
    }
    if (element->properties != NULL) {
        int state = add_attributes(writing, element);
        if (state != PLAIN) {
            return state;
        }
    }
    if (buffer_add(out, ">", 1) < 0 || Py_EnterRecursiveCall(" in canonical()")) {
        return -1;
    }
    int state = PLAIN;
    for (const xmlNode *each = element->children; each != NULL && state == PLAIN;
         each = each->next) {
        if (each->type == XML_ELEMENT_NODE) {
            state = add_element(writing, each, false);
        }
        else if (each->type != XML_TEXT_NODE && each->type != XML_CDATA_SECTION_NODE) {
            state = NOT_PLAIN;
        }
        else if (each->content != NULL
                 && add_escaped(out, (const char *)each->content,
                                strlen((const char *)each->content), in_text)
                     < 0) {
            state = -1;
        }
    }
    Py_LeaveRecursiveCall();
    if (state != PLAIN) {
        return state;
    }
    return add_name(out, "</", element->name) < 0 || buffer_add(out, ">", 1) < 0 ? -1 : PLAIN;
}

/* Absolute, and without anything to escape. */
static bool
is_plain_name(const xmlChar *namespace)
{
    const char *text = (const char *)namespace;
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.-_#";
    return strncmp(text, "http://", 7) == 0 && strspn(text, allowed) == strlen(text);
}

/* Whether a prefix, be it xml's own, is in scope anywhere from the element up. */
static bool
has_prefixes_in_scope(const xmlNode *element)
{
    for (; element != NULL && element->type == XML_ELEMENT_NODE; element = element->parent) {
        for (const xmlNs *each = element->nsDef; each != NULL; each = each->next) {
            if (each->prefix != NULL) {
                return true;
            }
        }
        for (const xmlAttr *each = element->properties; each != NULL; each = each->next) {
            if (each->ns != NULL) {
                return true;
            }
        }
    }
    return false;
}

PyObject *
canonical(PyObject *Py_UNUSED(module), PyObject *element)
{
    const xmlNode *node = node_of(element);
    if (node == NULL) {
        return NULL;
    }
    if (node->ns == NULL || node->ns->href == NULL || !is_plain_name(node->ns->href)
        || has_prefixes_in_scope(node)) {
        Py_RETURN_NONE;
    }
    Writing writing = {.namespace = node->ns->href};
    int state = add_element(&writing, node, true);
    PyObject *written = NULL;
    if (state == PLAIN) {
        written = PyBytes_FromStringAndSize(writing.out.bytes, (Py_ssize_t)writing.out.length);
    }
    else if (state == NOT_PLAIN) {
        written = Py_NewRef(Py_None);
    }
    free(writing.out.bytes);
    free(writing.scratch.bytes);
    return written;
}
