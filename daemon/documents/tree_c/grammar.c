/* What an XSD allows, by the tables of grammar.Tables.packed; see there. */

#include "tree.h"

enum {
    SYMBOLS = 257, /* of texts: characters up to U+00FF, and one for all beyond */
    BEYOND = 256,
    NOT_KNOWN = -1,
    NO_TEXT = -2,
    MOST_ATTRIBUTES = 32,
    MOST_COUNTED = 8,
    MOST_IDS = 16,
    MOST_COMPARED = 64,
    DEEPEST = 64,
};

typedef struct {
    uint8_t *classes; /* of each symbol */
    uint16_t *next;   /* by state and class; 0: no way on */
    uint8_t *accepting;
    size_t width, symbols;
} Automaton;

typedef struct {
    bool collapses, is_id;
    Py_ssize_t least, most; /* characters; -1: any number */
    Automaton *automata;
    Py_ssize_t count;
} Text;

typedef struct {
    char *name;
    Py_ssize_t text;
    bool required;
} Attribute;

typedef struct {
    char *name;
    char *space;
    Py_ssize_t type;
    Py_ssize_t most; /* -1: as many as the automaton allows */
} Child;

typedef struct {
    bool is_known;
    Attribute *attributes;
    Py_ssize_t attribute_count;
    Py_ssize_t text;
    Automaton content; /* without `next`: no elements */
    Child *children;
    Py_ssize_t child_count;
    Py_ssize_t counted; /* of the children, those with a `most` */
    char *unique;
} Type;

typedef struct {
    PyObject_HEAD
    Child *roots;
    Py_ssize_t root_count;
    Type *types;
    Py_ssize_t type_count;
    Text *texts;
    Py_ssize_t text_count;
} Grammar;

typedef struct {
    const Grammar *grammar;
    const char *ids[MOST_IDS];
    int id_count;
} Check;

/* ---- reading the tables ---- */

static void *
room_for(Py_ssize_t count, size_t size)
{
    void *room = calloc(count > 0 ? (size_t)count : 1, size);
    if (room == NULL) {
        PyErr_NoMemory();
    }
    return room;
}

static int
copy_bytes(PyObject *bytes, void **copy, size_t *length)
{
    char *own;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(bytes, &own, &size) < 0) {
        return -1;
    }
    *copy = room_for(size, 1);
    if (*copy == NULL) {
        return -1;
    }
    memcpy(*copy, own, (size_t)size);
    *length = (size_t)size;
    return 0;
}

static int
copy_name(const char *name, char **copy)
{
    *copy = strdup(name);
    if (*copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* From classes, next states and accepting ones; -1 with a ValueError for tables that lead astray. */
static int
automaton_from(PyObject *tuple, Automaton *into)
{
    PyObject *classes, *next, *accepting;
    size_t bytes, states;
    if (!PyArg_ParseTuple(tuple, "SSS", &classes, &next, &accepting)
        || copy_bytes(classes, (void **)&into->classes, &into->symbols) < 0
        || copy_bytes(next, (void **)&into->next, &bytes) < 0
        || copy_bytes(accepting, (void **)&into->accepting, &states) < 0) {
        return -1;
    }
    into->width = states ? bytes / sizeof(uint16_t) / states : 0;
    bool is_whole = states >= 2 && into->width * states * sizeof(uint16_t) == bytes;
    for (size_t n = 0; is_whole && n < into->width * states; n++) {
        is_whole = into->next[n] < states;
    }
    for (size_t n = 0; is_whole && n < into->symbols; n++) {
        is_whole = into->classes[n] < into->width;
    }
    if (!is_whole) {
        PyErr_SetString(PyExc_ValueError, "an automaton whose tables do not fit together");
        return -1;
    }
    return 0;
}

static int
text_from(PyObject *tuple, Text *into)
{
    int collapses, is_id;
    PyObject *automata;
    if (!PyArg_ParseTuple(
            tuple, "pnnpO!", &collapses, &into->least, &into->most, &is_id, &PyTuple_Type,
            &automata)) {
        return -1;
    }
    into->collapses = collapses;
    into->is_id = is_id;
    Py_ssize_t count = PyTuple_Size(automata);
    into->automata = room_for(count, sizeof(Automaton));
    if (into->automata == NULL) {
        return -1;
    }
    while (into->count < count) {
        Automaton *each = &into->automata[into->count];
        if (automaton_from(PyTuple_GetItem(automata, into->count++), each) < 0) {
            return -1;
        }
        if (each->symbols != SYMBOLS) {
            PyErr_SetString(PyExc_ValueError, "an automaton of a text that has other symbols");
            return -1;
        }
    }
    return 0;
}

static int
child_from(PyObject *tuple, Child *into)
{
    const char *space, *name;
    if (!PyArg_ParseTuple(tuple, "ssnn", &space, &name, &into->type, &into->most)
        || copy_name(space, &into->space) < 0 || copy_name(name, &into->name) < 0) {
        return -1;
    }
    return 0;
}

static int
children_from(PyObject *tuple, Child **into, Py_ssize_t *filled)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    *into = count < 0 ? NULL : room_for(count, sizeof(Child));
    if (*into == NULL) {
        return -1;
    }
    while (*filled < count) {
        Py_ssize_t at = (*filled)++;
        if (child_from(PyTuple_GetItem(tuple, at), &(*into)[at]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
attributes_from(PyObject *tuple, Type *into)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    into->attributes = room_for(count, sizeof(Attribute));
    if (into->attributes == NULL) {
        return -1;
    }
    while (into->attribute_count < count) {
        Attribute *each = &into->attributes[into->attribute_count];
        const char *name;
        int required;
        if (!PyArg_ParseTuple(
                PyTuple_GetItem(tuple, into->attribute_count++), "snp", &name, &each->text,
                &required)
            || copy_name(name, &each->name) < 0) {
            return -1;
        }
        each->required = required;
    }
    return 0;
}

static int
type_from(PyObject *tuple, Type *into)
{
    PyObject *attributes, *content, *children;
    const char *unique;
    into->text = NOT_KNOWN;
    if (Py_IsNone(tuple)) {
        return 0;
    }
    if (!PyArg_ParseTuple(
            tuple, "O!nOO!z", &PyTuple_Type, &attributes, &into->text, &content, &PyTuple_Type,
            &children, &unique)
        || attributes_from(attributes, into) < 0
        || children_from(children, &into->children, &into->child_count) < 0
        || (unique != NULL && copy_name(unique, &into->unique) < 0)) {
        return -1;
    }
    if (!Py_IsNone(content)) {
        if (automaton_from(content, &into->content) < 0) {
            return -1;
        }
        if (into->content.symbols != (size_t)into->child_count) {
            PyErr_SetString(PyExc_ValueError, "an automaton of other children");
            return -1;
        }
    }
    for (Py_ssize_t n = 0; n < into->child_count; n++) {
        into->counted += into->children[n].most >= 0;
    }
    into->is_known
        = into->attribute_count <= MOST_ATTRIBUTES && into->counted <= MOST_COUNTED;
    return 0;
}

static bool
is_type(const Grammar *grammar, Py_ssize_t number)
{
    return number >= NOT_KNOWN && number < grammar->type_count;
}

static bool
is_text(const Grammar *grammar, Py_ssize_t number)
{
    return number >= NO_TEXT && number < grammar->text_count;
}

/* Whether every number in the tables stands for something there. */
static bool
fits_together(const Grammar *grammar)
{
    for (Py_ssize_t n = 0; n < grammar->root_count; n++) {
        if (!is_type(grammar, grammar->roots[n].type)) {
            return false;
        }
    }
    for (Py_ssize_t n = 0; n < grammar->type_count; n++) {
        const Type *type = &grammar->types[n];
        if (!is_text(grammar, type->text)) {
            return false;
        }
        for (Py_ssize_t m = 0; m < type->child_count; m++) {
            if (!is_type(grammar, type->children[m].type)) {
                return false;
            }
        }
        for (Py_ssize_t m = 0; m < type->attribute_count; m++) {
            if (!is_text(grammar, type->attributes[m].text)) {
                return false;
            }
        }
    }
    return true;
}

static PyObject *
grammar_new(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    PyObject *roots, *types, *texts;
    if (!PyArg_ParseTuple(
            arguments, "O!O!O!", &PyTuple_Type, &roots, &PyTuple_Type, &types, &PyTuple_Type,
            &texts)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Grammar *grammar = (Grammar *)allocate(type, 0);
    if (grammar == NULL) {
        return NULL;
    }
    int fault = children_from(roots, &grammar->roots, &grammar->root_count);
    Py_ssize_t count = PyTuple_Size(types);
    grammar->types = fault < 0 ? NULL : room_for(count, sizeof(Type));
    fault = grammar->types == NULL ? -1 : 0;
    while (fault == 0 && grammar->type_count < count) {
        Py_ssize_t at = grammar->type_count++;
        fault = type_from(PyTuple_GetItem(types, at), &grammar->types[at]);
    }
    count = PyTuple_Size(texts);
    grammar->texts = fault < 0 ? NULL : room_for(count, sizeof(Text));
    fault = grammar->texts == NULL ? -1 : fault;
    while (fault == 0 && grammar->text_count < count) {
        Py_ssize_t at = grammar->text_count++;
        fault = text_from(PyTuple_GetItem(texts, at), &grammar->texts[at]);
    }
    if (fault == 0 && !fits_together(grammar)) {
        PyErr_SetString(PyExc_ValueError, "tables that name what is not in them");
        fault = -1;
    }
    if (fault < 0) {
        Py_DECREF(grammar);
        return NULL;
    }
    return (PyObject *)grammar;
}

static void
automaton_free(Automaton *automaton)
{
    free(automaton->classes);
    free(automaton->next);
    free(automaton->accepting);
}

static void
children_free(Child *children, Py_ssize_t count)
{
    for (Py_ssize_t n = 0; n < count; n++) {
        free(children[n].name);
        free(children[n].space);
    }
    free(children);
}

static void
grammar_dealloc(PyObject *self)
{
    Grammar *grammar = (Grammar *)self;
    PyTypeObject *type = Py_TYPE(self);
    children_free(grammar->roots, grammar->root_count);
    for (Py_ssize_t n = 0; n < grammar->type_count; n++) {
        Type *each = &grammar->types[n];
        for (Py_ssize_t m = 0; m < each->attribute_count; m++) {
            free(each->attributes[m].name);
        }
        free(each->attributes);
        children_free(each->children, each->child_count);
        automaton_free(&each->content);
        free(each->unique);
    }
    free(grammar->types);
    for (Py_ssize_t n = 0; n < grammar->text_count; n++) {
        Text *each = &grammar->texts[n];
        for (Py_ssize_t m = 0; m < each->count; m++) {
            automaton_free(&each->automata[m]);
        }
        free(each->automata);
    }
    free(grammar->texts);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

/* ---- asking ---- */

/* Text that stands in one node or none; NULL for any other. */
static const char *
plain_text(const xmlNode *first)
{
    if (first == NULL) {
        return "";
    }
    bool is_text = first->type == XML_TEXT_NODE || first->type == XML_CDATA_SECTION_NODE;
    if (!is_text || first->next != NULL) {
        return NULL;
    }
    return first->content == NULL ? "" : (const char *)first->content;
}

static bool
accepts(const Automaton *automaton, const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t state = 1;
    while (*at) {
        size_t symbol = *at++;
        if (symbol >= 0x80) { /* UTF-8, which libxml2 has checked */
            symbol = symbol < 0xC4 && *at ? (symbol & 3) << 6 | (*at & 0x3F) : BEYOND;
            while ((*at & 0xC0) == 0x80) {
                at++;
            }
        }
        state = automaton->next[state * automaton->width + automaton->classes[symbol]];
        if (state == 0) {
            return false;
        }
    }
    return automaton->accepting[state];
}

/* Whether a text that is not empty is what it would be with its blanks collapsed. */
static bool
is_collapsed(const char *text)
{
    bool after_blank = true;
    for (; *text; text++) {
        if (*text == '\t' || *text == '\n' || *text == '\r' || (*text == ' ' && after_blank)) {
            return false;
        }
        after_blank = *text == ' ';
    }
    return !after_blank;
}

static bool
text_fits(Check *check, Py_ssize_t number, const char *text)
{
    if (number < 0 || text == NULL) {
        return false;
    }
    const Text *type = &check->grammar->texts[number];
    if (type->collapses && *text && !is_collapsed(text)) {
        return false;
    }
    if (type->least > 0 || type->most >= 0) {
        Py_ssize_t length = 0;
        for (const char *each = text; *each; each++) {
            length += (*each & 0xC0) != 0x80;
        }
        if (length < type->least || (type->most >= 0 && length > type->most)) {
            return false;
        }
    }
    for (Py_ssize_t n = 0; n < type->count; n++) {
        if (!accepts(&type->automata[n], text)) {
            return false;
        }
    }
    if (type->is_id) {
        for (int n = 0; n < check->id_count; n++) {
            if (strcmp(check->ids[n], text) == 0) {
                return false;
            }
        }
        if (check->id_count == MOST_IDS) {
            return false;
        }
        check->ids[check->id_count++] = text;
    }
    return true;
}

/* Where a schema may be found, which any element may say. */
static bool
is_hint(const xmlAttr *attribute)
{
    return attribute->ns != NULL && attribute->ns->href != NULL
        && strcmp((const char *)attribute->ns->href, "http://www.w3.org/2001/XMLSchema-instance")
        == 0
        && (strcmp((const char *)attribute->name, "schemaLocation") == 0
            || strcmp((const char *)attribute->name, "noNamespaceSchemaLocation") == 0);
}

static bool
attributes_fit(Check *check, const Type *type, const xmlNode *element)
{
    bool seen[MOST_ATTRIBUTES] = {false};
    for (const xmlAttr *each = element->properties; each != NULL; each = each->next) {
        Py_ssize_t at = 0;
        if (is_hint(each)) {
            continue;
        }
        while (at < type->attribute_count
               && strcmp(type->attributes[at].name, (const char *)each->name) != 0) {
            at++;
        }
        if (each->ns != NULL || at == type->attribute_count
            || !text_fits(check, type->attributes[at].text, plain_text(each->children))) {
            return false;
        }
        seen[at] = true;
    }
    for (Py_ssize_t n = 0; n < type->attribute_count; n++) {
        if (type->attributes[n].required && !seen[n]) {
            return false;
        }
    }
    return true;
}

/* The place among `children` of an element's name; `count` for none. It is likely to be found at
 * `hint`, that of the element before, or at the next one. */
static Py_ssize_t
place_of(const Child *children, Py_ssize_t count, const xmlNode *element, Py_ssize_t hint)
{
    if (element->ns == NULL || element->ns->href == NULL) {
        return count;
    }
    for (Py_ssize_t n = 0; n < count; n++) {
        Py_ssize_t at = hint + n < count ? hint + n : hint + n - count;
        if (strcmp(children[at].name, (const char *)element->name) == 0
            && strcmp(children[at].space, (const char *)element->ns->href) == 0) {
            return at;
        }
    }
    return count;
}

static const char *
value_of(const xmlNode *element, const char *name)
{
    for (const xmlAttr *each = element->properties; each != NULL; each = each->next) {
        if (each->ns == NULL && strcmp((const char *)each->name, name) == 0) {
            return plain_text(each->children);
        }
    }
    return NULL;
}

/* Whether no two children share the attribute's value. Where they count up, as items do, a value
 * that is greater than all before it is compared with no other. */
static bool
children_differ(const xmlNode *element, const char *name)
{
    const char *seen[MOST_COMPARED], *greatest = NULL;
    int count = 0;
    for (const xmlNode *each = element->children; each != NULL; each = each->next) {
        const char *value = each->type == XML_ELEMENT_NODE ? value_of(each, name) : NULL;
        if (value == NULL) {
            continue;
        }
        size_t length = strlen(value);
        bool is_greater = greatest == NULL || length > strlen(greatest)
            || (length == strlen(greatest) && strcmp(value, greatest) > 0);
        if (is_greater) {
            greatest = value;
        } else if (count > MOST_COMPARED) {
            return false;
        }
        for (int n = 0; !is_greater && n < count; n++) {
            if (strcmp(seen[n], value) == 0) {
                return false;
            }
        }
        if (count < MOST_COMPARED) {
            seen[count] = value;
        }
        count += count <= MOST_COMPARED;
    }
    return true;
}

static bool
is_blank(const char *text)
{
    return text == NULL || text[strspn(text, " \t\r\n")] == '\0';
}

static bool
element_fits(Check *check, Py_ssize_t number, const xmlNode *element, int depth)
{
    const Type *type = number < 0 ? NULL : &check->grammar->types[number];
    if (type == NULL || !type->is_known || depth == DEEPEST
        || !attributes_fit(check, type, element)) {
        return false;
    }
    if (type->text != NO_TEXT) {
        return text_fits(check, type->text, plain_text(element->children));
    }
    if (type->content.next == NULL) {
        return element->children == NULL;
    }
    Py_ssize_t counts[MOST_COUNTED] = {0}, hint = 0;
    size_t state = 1;
    for (const xmlNode *each = element->children; each != NULL; each = each->next) {
        if (each->type == XML_TEXT_NODE && is_blank((const char *)each->content)) {
            continue;
        }
        if (each->type != XML_ELEMENT_NODE) {
            return false;
        }
        Py_ssize_t at = place_of(type->children, type->child_count, each, hint);
        if (at == type->child_count) {
            return false;
        }
        const Child *child = &type->children[at];
        state = type->content.next[state * type->content.width + type->content.classes[at]];
        if (state == 0 || !element_fits(check, child->type, each, depth + 1)) {
            return false;
        }
        if (child->most >= 0) {
            Py_ssize_t which = 0;
            for (Py_ssize_t n = 0; n < at; n++) {
                which += type->children[n].most >= 0;
            }
            if (++counts[which] > child->most) {
                return false;
            }
        }
        hint = at;
    }
    return type->content.accepting[state]
        && (type->unique == NULL || children_differ(element, type->unique));
}

static PyObject *
allows(PyObject *self, PyObject *element)
{
    const Grammar *grammar = (const Grammar *)self;
    const xmlNode *node = node_of(element);
    if (node == NULL) {
        return NULL;
    }
    Check check = {.grammar = grammar};
    Py_ssize_t at = place_of(grammar->roots, grammar->root_count, node, 0);
    bool fits = at < grammar->root_count && element_fits(&check, grammar->roots[at].type, node, 0);
    return PyBool_FromLong(fits);
}

static PyMethodDef methods[] = {
    {"allows", allows, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, grammar_new},
    {Py_tp_dealloc, grammar_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec grammar_spec = {
    .name = "daemon.documents.tree.Grammar",
    .basicsize = sizeof(Grammar),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};
