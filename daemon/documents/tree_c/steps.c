#include "steps.h"

static size_t
hash_of(const char *name)
{
    size_t hash = 5381;
    for (; *name; name++) {
        hash = hash * 33 ^ (unsigned char)*name;
    }
    return hash ^ hash >> 7;
}

const Step *
step_named(const Step *step, const char *name)
{
    if (step->children == NULL) {
        return NULL;
    }
    const Step *each = step->children[hash_of(name) & step->mask];
    while (each != NULL && strcmp(each->name, name) != 0) {
        each = each->next;
    }
    return each;
}

const Step *
step_below(const Step *step, const char *name, const Step *unknown)
{
    if (step->is_listed) {
        return step;
    }
    const Step *found = step_named(step, name);
    if (found != NULL) {
        return found;
    }
    return step->wildcard != NULL ? step->wildcard : unknown;
}

Fills
step_attribute(const Step *step, const char *name)
{
    for (Py_ssize_t n = 0; n < step->attribute_count; n++) {
        if (strcmp(step->attributes[n].name, name) == 0) {
            return step->attributes[n].fills;
        }
    }
    return (Fills){0};
}

static char *
copied(PyObject *text)
{
    Py_ssize_t length;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &length);
    char *copy = bytes == NULL ? NULL : strdup(bytes);
    if (copy == NULL && bytes != NULL) {
        PyErr_NoMemory();
    }
    return copy;
}

/* A tuple of slots, or of tuples of slot, position and maybe a converter. */
static int
fills_from(PyObject *tuple, Fills *into)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    if (count <= 0) {
        return (int)count;
    }
    into->fills = calloc((size_t)count, sizeof(Fill));
    if (into->fills == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t n = 0; n < count; n++) {
        Fill *fill = &into->fills[into->count++];
        PyObject *each = PyTuple_GetItem(tuple, n), *convert = NULL;
        if (PyLong_Check(each)) {
            fill->slot = PyLong_AsSsize_t(each);
            if (fill->slot == -1 && PyErr_Occurred()) {
                return -1;
            }
            continue;
        }
        if (!PyArg_ParseTuple(each, "nn|O", &fill->slot, &fill->position, &convert)) {
            return -1;
        }
        fill->convert = convert == NULL || Py_IsNone(convert) ? NULL : Py_NewRef(convert);
    }
    return 0;
}

static int
fills_of(PyObject *node, const char *name, Fills *into)
{
    PyObject *tuple = PyObject_GetAttrString(node, name);
    int fault = tuple == NULL ? -1 : fills_from(tuple, into);
    Py_XDECREF(tuple);
    return fault;
}

static int
children_from(PyObject *children, Step *step)
{
    Py_ssize_t count = PyDict_Size(children), at = 0;
    PyObject *name, *child;
    if (count <= 0) {
        return (int)count;
    }
    size_t size = 4;
    while (size < 2 * (size_t)count) {
        size *= 2;
    }
    step->children = calloc(size, sizeof(Step *));
    if (step->children == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    step->mask = size - 1;
    while (PyDict_Next(children, &at, &name, &child)) {
        const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
        Step *below = text == NULL ? NULL : step_from(child, text);
        if (below == NULL) {
            return -1;
        }
        Step **place = &step->children[hash_of(text) & step->mask];
        below->next = *place;
        *place = below;
    }
    return 0;
}

static int
attributes_from(PyObject *attributes, Step *step)
{
    Py_ssize_t count = PyDict_Size(attributes), at = 0;
    PyObject *name, *fills;
    if (count <= 0) {
        return (int)count;
    }
    step->attributes = calloc((size_t)count, sizeof(Attribute));
    if (step->attributes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    while (PyDict_Next(attributes, &at, &name, &fills)) {
        Attribute *attribute = &step->attributes[step->attribute_count++];
        attribute->name = copied(name);
        if (attribute->name == NULL || fills_from(fills, &attribute->fills) < 0) {
            return -1;
        }
    }
    return 0;
}

/* From Node.plain and Node.digits. */
static int
plain_from(PyObject *node, Step *step)
{
    PyObject *plain = PyObject_GetAttrString(node, "plain");
    PyObject *digits = PyObject_GetAttrString(node, "digits");
    int fault = plain == NULL || digits == NULL ? -1 : 0;
    if (fault == 0 && !Py_IsNone(plain)) {
        step->plain = Py_IsNone(digits) ? ANY_TEXT : DECIMAL;
        if (step->plain == DECIMAL) {
            Py_ssize_t whole, places;
            fault = PyArg_ParseTuple(digits, "nn", &whole, &places) ? 0 : -1;
            step->whole = fault ? 0 : (size_t)whole;
            step->places = fault ? 0 : (size_t)places;
        }
    }
    Py_XDECREF(plain);
    Py_XDECREF(digits);
    return fault;
}

static int
step_read(PyObject *node, Step *step)
{
    PyObject *children = PyObject_GetAttrString(node, "children");
    PyObject *wildcard = PyObject_GetAttrString(node, "wildcard");
    PyObject *attributes = PyObject_GetAttrString(node, "attributes");
    PyObject *is_listed = PyObject_GetAttrString(node, "is_listed");
    int fault = -1;
    if (children != NULL && wildcard != NULL && attributes != NULL && is_listed != NULL) {
        step->is_listed = PyObject_IsTrue(is_listed) == 1;
        fault = children_from(children, step);
        if (fault == 0 && !Py_IsNone(wildcard)) {
            step->wildcard = step_from(wildcard, "*");
            fault = step->wildcard == NULL ? -1 : 0;
        }
        if (fault == 0) {
            fault = attributes_from(attributes, step);
        }
    }
    Py_XDECREF(children);
    Py_XDECREF(wildcard);
    Py_XDECREF(attributes);
    Py_XDECREF(is_listed);
    if (fault < 0 || plain_from(node, step) < 0 || fills_of(node, "fills", &step->fills) < 0
        || fills_of(node, "names", &step->names) < 0
        || fills_of(node, "begins", &step->begins) < 0
        || fills_of(node, "resets", &step->resets) < 0) {
        return -1;
    }
    return 0;
}

Step *
step_from(PyObject *node, const char *name)
{
    Step *step = calloc(1, sizeof(Step));
    if (step == NULL) {
        return (Step *)PyErr_NoMemory();
    }
    step->node = Py_NewRef(node);
    step->name = strdup(name);
    if (step->name == NULL) {
        PyErr_NoMemory();
    }
    if (step->name == NULL || step_read(node, step) < 0) {
        step_free(step);
        return NULL;
    }
    return step;
}

static void
fills_free(Fills *fills)
{
    for (Py_ssize_t n = 0; n < fills->count; n++) {
        Py_XDECREF(fills->fills[n].convert);
    }
    free(fills->fills);
}

void
step_free(Step *step)
{
    if (step == NULL) {
        return;
    }
    for (size_t n = 0; step->children != NULL && n <= step->mask; n++) {
        for (Step *each = step->children[n]; each != NULL;) {
            Step *next = each->next;
            step_free(each);
            each = next;
        }
    }
    free(step->children);
    step_free(step->wildcard);
    for (Py_ssize_t n = 0; n < step->attribute_count; n++) {
        free(step->attributes[n].name);
        fills_free(&step->attributes[n].fills);
    }
    free(step->attributes);
    fills_free(&step->fills);
    fills_free(&step->names);
    fills_free(&step->begins);
    fills_free(&step->resets);
    Py_XDECREF(step->node);
    free(step->name);
    free(step);
}
