/* One pass over an element's tree fills rows, as Extraction._visit does in Python. */

#include "steps.h"

typedef struct {
    PyObject_HEAD
    Step *root;
    Step *unknown;
    PyObject *words;  /* what is written for an element's name */
    PyObject *widths; /* of rows, by slot */
    PyObject *parents;
    PyObject *children;
} Walker;

/* What one element says, in Walk.said; `head` is its first eight bytes, to compare by. */
typedef struct {
    uint64_t head;
    size_t begin;
    size_t length;
} Piece;

typedef struct {
    const Walker *walker;
    PyObject *element;   /* where the walk began */
    PyObject *current;   /* by slot: the row that values go to, or None */
    PyObject *collected; /* by slot: all rows */
    PyObject *fill;      /* called back with element, text, node */
    PyObject *attribute; /* called back with element, name, text, node */
    Buffer said;
    Buffer scratch;
    Piece *pieces;
    size_t piece_count, piece_room;
} Walk;

static int visit(Walk *walk, const xmlNode *element, const Step *step);

static Py_ssize_t
number_at(PyObject *tuple, Py_ssize_t at)
{
    PyObject *item = PyTuple_GetItem(tuple, at);
    return item == NULL ? -1 : PyLong_AsSsize_t(item);
}

/* A new row of that table below its parent's newest one; borrowed. */
static PyObject *
begin(Walk *walk, Py_ssize_t slot)
{
    Py_ssize_t parent = number_at(walk->walker->parents, slot);
    Py_ssize_t width = number_at(walk->walker->widths, slot);
    Py_ssize_t number = 0;
    PyObject *own = PyList_GetItem(walk->collected, slot);
    if (width < 1 || own == NULL) {
        return NULL;
    }
    if (parent >= 0) {
        PyObject *above = PyList_GetItem(walk->current, parent);
        if (above == NULL || (Py_IsNone(above) && begin(walk, parent) == NULL)) {
            return NULL;
        }
        number = PyList_Size(PyList_GetItem(walk->collected, parent)) - 1;
    }
    PyObject *row = PyList_New(width);
    PyObject *first = PyLong_FromSsize_t(number);
    if (row == NULL || first == NULL) {
        Py_XDECREF(row);
        Py_XDECREF(first);
        return NULL;
    }
    PyList_SetItem(row, 0, first);
    for (Py_ssize_t n = 1; n < width; n++) {
        PyList_SetItem(row, n, Py_NewRef(Py_None));
    }
    int fault = PyList_Append(own, row);
    if (fault < 0 || PyList_SetItem(walk->current, slot, row) < 0) { /* keeps the reference */
        if (fault < 0) {
            Py_DECREF(row);
        }
        return NULL;
    }
    PyObject *below = PyTuple_GetItem(walk->walker->children, slot);
    for (Py_ssize_t n = 0; below != NULL && n < PyTuple_Size(below); n++) {
        if (PyList_SetItem(walk->current, number_at(below, n), Py_NewRef(Py_None)) < 0) {
            return NULL;
        }
    }
    return below == NULL ? NULL : row;
}

/* The row that values of the table go to; borrowed. */
static PyObject *
row_of(Walk *walk, Py_ssize_t slot)
{
    PyObject *row = PyList_GetItem(walk->current, slot);
    return row != NULL && Py_IsNone(row) ? begin(walk, slot) : row;
}

/* 1 when every place was free and one at least now holds the text, 0 when Python has to see to it
 * (nothing has been stored then), -1 with an error. */
static int
store(Walk *walk, Fills fills, PyObject *text)
{
    enum { MOST = 8 };
    PyObject *values[MOST];
    Py_ssize_t made = 0;
    int stored = 0;
    if (fills.count > MOST) {
        return 0;
    }
    for (; made < fills.count; made++) {
        const Fill *fill = &fills.fills[made];
        PyObject *row = PyList_GetItem(walk->current, fill->slot);
        if (row == NULL) {
            stored = -1;
            break;
        }
        if (!Py_IsNone(row) && !Py_IsNone(PyList_GetItem(row, fill->position))) {
            break;
        }
        values[made] = fill->convert == NULL ? Py_NewRef(text)
                                             : PyObject_CallFunctionObjArgs(fill->convert, text, NULL);
        if (values[made] == NULL) {
            if (PyErr_ExceptionMatches(PyExc_ValueError)) {
                PyErr_Clear(); /* Python asks again, and tells of it */
            }
            else {
                stored = -1;
            }
            break;
        }
    }
    bool is_free = stored == 0 && made == fills.count;
    for (Py_ssize_t n = 0; n < made; n++) {
        const Fill *fill = &fills.fills[n];
        PyObject *value = values[n];
        PyObject *row = is_free && stored >= 0 ? PyList_GetItem(walk->current, fill->slot) : NULL;
        if (row != NULL && Py_IsNone(row)) {
            row = Py_IsNone(value) ? NULL : begin(walk, fill->slot);
            stored = row == NULL && !Py_IsNone(value) ? -1 : stored;
        }
        if (row == NULL) {
            Py_DECREF(value);
        }
        else if (PyList_SetItem(row, fill->position, value) < 0) { /* takes the reference */
            stored = -1;
        }
        else {
            stored = stored < 0 ? -1 : 1;
        }
    }
    return stored;
}

static int
ask_fill(Walk *walk, const xmlNode *element, PyObject *text, const Step *step)
{
    PyObject *proxy = element_of(walk->element, (xmlNode *)element);
    PyObject *none = proxy == NULL
        ? NULL
        : PyObject_CallFunctionObjArgs(walk->fill, proxy, text, step->node, NULL);
    Py_XDECREF(proxy);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

static bool
is_blank(const char *text, size_t length)
{
    return strspn(text, " \t\r\n") >= length;
}

/* A text that is more than plain, or stands where plain ones have been. */
static int
fill(Walk *walk, const xmlNode *element, const char *bytes, size_t length, const Step *step)
{
    if (step->fills.count == 0 && (step->is_listed || is_blank(bytes, length))) {
        return 0;
    }
    PyObject *text = PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)length, NULL);
    int state = text == NULL ? -1 : store(walk, step->fills, text);
    if (state == 0) {
        state = ask_fill(walk, element, text, step);
    }
    Py_XDECREF(text);
    return state < 0 ? -1 : 0;
}

static size_t
digits_in(const char *text, const char *end)
{
    const char *begin = text;
    while (text < end && *text >= '0' && *text <= '9') {
        text++;
    }
    return (size_t)(text - begin);
}

/* See values._decimal: what nearly all decimals look like. */
static bool
is_usual_decimal(const char *text, size_t length, const Step *step)
{
    const char *end = text + length;
    size_t whole = digits_in(text, end);
    if (whole == 0 || whole > step->whole) {
        return false;
    }
    text += whole;
    if (text == end) {
        return true;
    }
    if (*text++ != '.') {
        return false;
    }
    size_t after = digits_in(text, end);
    if (after == 0 || text + after != end || after > step->places + 8) {
        return false;
    }
    for (size_t n = step->places; n < after; n++) {
        if (text[n] != '0') {
            return false;
        }
    }
    return true;
}

static int
store_plain(Walk *walk, const xmlNode *element, const char *bytes, size_t length, const Step *step)
{
    if (step->plain == DECIMAL && !is_usual_decimal(bytes, length, step)) {
        return fill(walk, element, bytes, length, step);
    }
    PyObject *text = PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)length, NULL);
    int fault = text == NULL ? -1 : 0;
    for (Py_ssize_t n = 0; n < step->fills.count && fault == 0; n++) {
        const Fill *place = &step->fills.fills[n];
        PyObject *row = row_of(walk, place->slot);
        if (row == NULL) {
            fault = -1;
        }
        else if (Py_IsNone(PyList_GetItem(row, place->position))) {
            fault = PyList_SetItem(row, place->position, Py_NewRef(text));
        }
        else {
            fault = ask_fill(walk, element, text, step);
        }
    }
    Py_XDECREF(text);
    return fault;
}

/* As str.strip() leaves it, which knows more blanks than ASCII's. */
static int
say_stripped(Walk *walk, const char *text, size_t length)
{
    const char *end = text + length;
    while (text < end && strchr(" \t\r\n", *text) != NULL) {
        text++;
    }
    while (text < end && strchr(" \t\r\n", end[-1]) != NULL) {
        end--;
    }
    if (text == end || ((unsigned char)*text < 0x80 && (unsigned char)end[-1] < 0x80)) {
        return buffer_add(&walk->said, text, (size_t)(end - text));
    }
    PyObject *whole = PyUnicode_DecodeUTF8(text, end - text, NULL);
    PyObject *stripped = whole == NULL ? NULL : PyObject_CallMethod(whole, "strip", NULL);
    Py_ssize_t size = 0;
    const char *bytes = stripped == NULL ? NULL : PyUnicode_AsUTF8AndSize(stripped, &size);
    int fault = bytes == NULL ? -1 : buffer_add(&walk->said, bytes, (size_t)size);
    Py_XDECREF(whole);
    Py_XDECREF(stripped);
    return fault;
}

static PyObject *
name_of(const xmlAttr *attribute)
{
    const char *name = (const char *)attribute->name;
    return attribute->ns == NULL || attribute->ns->href == NULL
        ? PyUnicode_FromString(name)
        : PyUnicode_FromFormat("{%s}%s", (const char *)attribute->ns->href, name);
}

static int
take_attribute(Walk *walk, const xmlNode *element, const xmlAttr *attribute, const Step *step,
               PyObject *items)
{
    size_t length;
    const char *bytes = text_of(attribute->children, &walk->scratch, &length);
    if (bytes == NULL) {
        return -1;
    }
    PyObject *text = PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)length, NULL);
    PyObject *name = name_of(attribute);
    PyObject *item = text == NULL || name == NULL ? NULL : PyTuple_Pack(2, name, text);
    int state = item == NULL ? -1 : PyList_Append(items, item);
    Fills fills = step_attribute(step, (const char *)attribute->name);
    if (state == 0 && (fills.count > 0 || !step->is_listed)) {
        state = store(walk, fills, text);
        PyObject *proxy = state == 0 ? element_of(walk->element, (xmlNode *)element) : NULL;
        if (state == 0) {
            PyObject *none = proxy == NULL
                ? NULL
                : PyObject_CallFunctionObjArgs(walk->attribute, proxy, name, text, step->node, NULL);
            state = none == NULL ? -1 : 0;
            Py_XDECREF(none);
        }
        Py_XDECREF(proxy);
    }
    Py_XDECREF(text);
    Py_XDECREF(name);
    Py_XDECREF(item);
    return state < 0 ? -1 : 0;
}

/* Stores the attributes; what they say, as Python writes the sorted list of them; NULL: an error. */
static PyObject *
take_attributes(Walk *walk, const xmlNode *element, const Step *step)
{
    PyObject *items = PyList_New(0);
    int fault = items == NULL ? -1 : 0;
    for (const xmlAttr *each = element->properties; each != NULL && fault == 0;
         each = each->next) {
        fault = take_attribute(walk, element, each, step, items);
    }
    PyObject *said = NULL;
    if (fault == 0 && PyList_Sort(items) == 0) {
        said = PyObject_Repr(items);
    }
    Py_XDECREF(items);
    return said;
}

/* nf_itens_icms.grupo and its kin: the element's own name. */
static int
take_name(Walk *walk, const Fill *place, const xmlNode *element)
{
    PyObject *row = row_of(walk, place->slot);
    if (row == NULL) {
        return -1;
    }
    int is_taken = PyObject_IsTrue(PyList_GetItem(row, place->position));
    if (is_taken != 0) {
        return is_taken < 0 ? -1 : 0;
    }
    PyObject *name = PyUnicode_FromString((const char *)element->name);
    if (name == NULL) {
        return -1;
    }
    PyObject *word = PyDict_GetItemWithError(walk->walker->words, name);
    if (word == NULL && PyErr_Occurred()) {
        Py_DECREF(name);
        return -1;
    }
    if (word != NULL) {
        Py_DECREF(name);
        name = Py_NewRef(word);
    }
    return PyList_SetItem(row, place->position, name);
}

/* A group, or a text that is more than plain; says what is said of it after its name. */
static int
visit_rare(Walk *walk, const xmlNode *element, bool is_group, const Step *step)
{
    for (Py_ssize_t n = 0; n < step->begins.count; n++) {
        if (begin(walk, step->begins.fills[n].slot) == NULL) {
            return -1;
        }
    }
    for (Py_ssize_t n = 0; n < step->resets.count; n++) {
        if (PyList_SetItem(walk->current, step->resets.fills[n].slot, Py_NewRef(Py_None)) < 0) {
            return -1;
        }
    }
    for (Py_ssize_t n = 0; n < step->names.count; n++) {
        if (take_name(walk, &step->names.fills[n], element) < 0) {
            return -1;
        }
    }
    PyObject *attributes = NULL;
    const char *heading = "";
    Py_ssize_t heading_length = 0;
    if (element->properties != NULL) {
        attributes = take_attributes(walk, element, step);
        heading = attributes == NULL ? NULL
                                     : PyUnicode_AsUTF8AndSize(attributes, &heading_length);
        if (heading == NULL) {
            Py_XDECREF(attributes);
            return -1;
        }
    }
    int fault = 0;
    if (!is_group) {
        size_t length;
        const char *text = text_of(element->children, &walk->scratch, &length);
        fault = text == NULL || say_stripped(walk, text, length) < 0
                || fill(walk, element, text, length, step) < 0
            ? -1
            : 0;
    }
    if (fault == 0 && attributes != NULL) {
        fault = buffer_add(&walk->said, "\x1f", 1) < 0
                || buffer_add(&walk->said, heading, (size_t)heading_length) < 0
            ? -1
            : 0;
    }
    Py_XDECREF(attributes);
    if (fault == 0 && is_group) {
        fault = buffer_add(&walk->said, "\x1c", 1) < 0 || visit(walk, element, step) < 0
                || buffer_add(&walk->said, "\x1d", 1) < 0
            ? -1
            : 0;
    }
    return fault;
}

static int
compare(const void *left, const void *right, void *said)
{
    const Piece *one = left, *other = right;
    if (one->head != other->head) {
        return one->head < other->head ? -1 : 1;
    }
    size_t shorter = one->length < other->length ? one->length : other->length;
    int order = memcmp((char *)said + one->begin, (char *)said + other->begin, shorter);
    if (order != 0) {
        return order;
    }
    return (one->length > other->length) - (one->length < other->length);
}

static int
add_piece(Walk *walk, size_t begin)
{
    if (walk->piece_count == walk->piece_room) {
        size_t room = walk->piece_room ? 2 * walk->piece_room : 256;
        Piece *pieces = realloc(walk->pieces, room * sizeof(Piece));
        if (pieces == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        walk->pieces = pieces;
        walk->piece_room = room;
    }
    Piece *piece = &walk->pieces[walk->piece_count++];
    *piece = (Piece){.begin = begin, .length = walk->said.length - begin};
    for (size_t n = 0; n < 8; n++) { /* no text holds a zero */
        uint64_t byte = n < piece->length ? (unsigned char)walk->said.bytes[begin + n] : 0;
        piece->head = piece->head << 8 | byte;
    }
    return 0;
}

/* Puts the pieces from `first` on in order, with a separator between each two. */
static int
join_pieces(Walk *walk, size_t first, size_t start)
{
    size_t count = walk->piece_count - first, length = walk->said.length - start;
    Piece *pieces = walk->pieces + first;
    walk->piece_count = first;
    if (count < 2) {
        return 0;
    }
    qsort_r(pieces, count, sizeof(Piece), compare, walk->said.bytes);
    if (buffer_reserve(&walk->said, length + count) < 0) {
        return -1;
    }
    char *joined = walk->said.bytes + start + length, *into = joined;
    for (size_t n = 0; n < count; n++) {
        if (n > 0) {
            *into++ = '\x1e';
        }
        memcpy(into, walk->said.bytes + pieces[n].begin, pieces[n].length);
        into += pieces[n].length;
    }
    memmove(walk->said.bytes + start, joined, (size_t)(into - joined));
    walk->said.length = start + (size_t)(into - joined);
    return 0;
}

/* Fills rows from the children of an element, and says what they say. */
static int
visit(Walk *walk, const xmlNode *element, const Step *step)
{
    size_t start = walk->said.length, first = walk->piece_count;
    int fault = 0;
    if (Py_EnterRecursiveCall(" in Walker.visit()")) {
        return -1;
    }
    for (xmlNode *child = first_element(element, &fault); child != NULL && fault == 0;
         child = next_element(child, &fault)) {
        const char *name = (const char *)child->name;
        const Step *known = step_below(step, name, walk->walker->unknown);
        size_t begin = walk->said.length;
        if (buffer_add(&walk->said, name, strlen(name)) < 0
            || buffer_add(&walk->said, "=", 1) < 0) {
            fault = -1;
            break;
        }
        bool is_group = first_element(child, &fault) != NULL;
        if (fault < 0) {
            break;
        }
        if (is_group || child->properties != NULL || known->plain == NO_PLAIN_TEXT) {
            fault = visit_rare(walk, child, is_group, known);
        }
        else {
            size_t length;
            const char *text = text_of(child->children, &walk->scratch, &length);
            fault = text == NULL || say_stripped(walk, text, length) < 0
                    || store_plain(walk, child, text, length, known) < 0
                ? -1
                : 0;
        }
        if (fault == 0) {
            fault = add_piece(walk, begin);
        }
    }
    Py_LeaveRecursiveCall();
    return fault < 0 ? -1 : join_pieces(walk, first, start);
}

static PyObject *
walker_visit(PyObject *self, PyObject *arguments)
{
    const Walker *walker = (Walker *)self;
    Walk walk = {.walker = walker};
    PyObject *path;
    if (!PyArg_ParseTuple(arguments, "OO!O!O!OO", &walk.element, &PyTuple_Type, &path,
                          &PyList_Type, &walk.current, &PyList_Type, &walk.collected, &walk.fill,
                          &walk.attribute)) {
        return NULL;
    }
    const xmlNode *node = node_of(walk.element);
    const Step *step = walker->root;
    for (Py_ssize_t n = 0; node != NULL && n < PyTuple_Size(path); n++) {
        const char *name = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(path, n), NULL);
        if (name == NULL) {
            return NULL;
        }
        step = step_named(step, name);
        step = step == NULL ? walker->unknown : step;
    }
    PyObject *said = NULL;
    if (node != NULL && visit(&walk, node, step) == 0) {
        said = PyBytes_FromStringAndSize(walk.said.bytes, (Py_ssize_t)walk.said.length);
    }
    free(walk.said.bytes);
    free(walk.scratch.bytes);
    free(walk.pieces);
    return said;
}

static PyObject *
walker_new(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    PyObject *root, *unknown, *words, *widths, *parents, *children;
    if (!PyArg_ParseTuple(arguments, "OOO!O!O!O!", &root, &unknown, &PyDict_Type, &words,
                          &PyTuple_Type, &widths, &PyTuple_Type, &parents, &PyTuple_Type,
                          &children)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Walker *walker = (Walker *)allocate(type, 0);
    if (walker == NULL) {
        return NULL;
    }
    walker->words = Py_NewRef(words);
    walker->widths = Py_NewRef(widths);
    walker->parents = Py_NewRef(parents);
    walker->children = Py_NewRef(children);
    walker->root = step_from(root, "");
    walker->unknown = walker->root == NULL ? NULL : step_from(unknown, "");
    if (walker->unknown == NULL) {
        Py_DECREF(walker);
        return NULL;
    }
    return (PyObject *)walker;
}

static void
walker_free(PyObject *self)
{
    Walker *walker = (Walker *)self;
    PyTypeObject *type = Py_TYPE(self);
    step_free(walker->root);
    step_free(walker->unknown);
    Py_XDECREF(walker->words);
    Py_XDECREF(walker->widths);
    Py_XDECREF(walker->parents);
    Py_XDECREF(walker->children);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyMethodDef walker_methods[] = {
    {"visit", walker_visit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot walker_slots[] = {
    {Py_tp_new, walker_new},
    {Py_tp_dealloc, walker_free},
    {Py_tp_methods, walker_methods},
    {0, NULL},
};

PyType_Spec walker_spec = {
    .name = "daemon.documents.tree.Walker",
    .basicsize = sizeof(Walker),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = walker_slots,
};
