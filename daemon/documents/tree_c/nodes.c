/* lxml's elements and libxml2's nodes: one to the other, and what a node says. */

#include "tree.h"

#define __PYX_HAVE_API__lxml__etree /* its types alone */
#include "etree.h" /* of the wheel */

typedef struct LxmlElement *(*ElementFactory)(struct LxmlDocument *, xmlNode *);

static PyTypeObject *element_type;
static ElementFactory element_factory;

int
buffer_reserve(Buffer *buffer, size_t more)
{
    size_t room = buffer->room ? buffer->room : 4096;
    while (room - buffer->length < more) {
        if (room > SIZE_MAX / 2) {
            PyErr_NoMemory();
            return -1;
        }
        room *= 2;
    }
    char *bytes = realloc(buffer->bytes, room);
    if (bytes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    buffer->bytes = bytes;
    buffer->room = room;
    return 0;
}

xmlNode *
node_of(PyObject *element)
{
    if (!PyObject_TypeCheck(element, element_type)) {
        PyErr_SetString(PyExc_TypeError, "expected an lxml element");
        return NULL;
    }
    xmlNode *node = ((struct LxmlElement *)element)->_c_node;
    if (node == NULL || node->type != XML_ELEMENT_NODE) {
        PyErr_SetString(PyExc_TypeError, "expected an element that is no comment or the like");
        return NULL;
    }
    return node;
}

PyObject *
element_of(PyObject *element, xmlNode *node)
{
    return (PyObject *)element_factory(((struct LxmlElement *)element)->_doc, node);
}

const char *
text_of(const xmlNode *first, Buffer *scratch, size_t *length)
{
    const xmlNode *only = NULL;
    int count = 0;
    for (const xmlNode *each = first; each != NULL; each = each->next) {
        if (each->type != XML_TEXT_NODE && each->type != XML_CDATA_SECTION_NODE) {
            PyErr_SetString(PyExc_TypeError, "expected text alone");
            return NULL;
        }
        if (each->content != NULL) {
            only = each;
            count++;
        }
    }
    if (count <= 1) {
        const char *text = only == NULL ? "" : (const char *)only->content;
        *length = strlen(text);
        return text;
    }
    scratch->length = 0;
    for (const xmlNode *each = first; each != NULL; each = each->next) {
        if (each->content != NULL
            && buffer_add(scratch, each->content, strlen((const char *)each->content)) < 0) {
            return NULL;
        }
    }
    *length = scratch->length;
    return scratch->bytes;
}

static xmlNode *
element_from(xmlNode *node, int *fault)
{
    for (; node != NULL; node = node->next) {
        if (node->type == XML_ELEMENT_NODE) {
            return node;
        }
        if (node->type != XML_TEXT_NODE && node->type != XML_CDATA_SECTION_NODE) {
            PyErr_SetString(PyExc_TypeError, "expected elements and text alone");
            *fault = -1;
            return NULL;
        }
    }
    return NULL;
}

xmlNode *
first_element(const xmlNode *parent, int *fault)
{
    return element_from(parent->children, fault);
}

xmlNode *
next_element(const xmlNode *element, int *fault)
{
    return element_from(element->next, fault);
}

/* How many attributes Id of the whole document have this value: count(//@Id[. = $id]). */
static PyObject *
same_ids(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *element;
    const char *id;
    Py_ssize_t id_length;
    if (!PyArg_ParseTuple(arguments, "Os#", &element, &id, &id_length)) {
        return NULL;
    }
    const xmlNode *node = node_of(element);
    if (node == NULL) {
        return NULL;
    }
    const xmlNode *top = node;
    while (top->parent != NULL && top->parent->type == XML_ELEMENT_NODE) {
        top = top->parent;
    }
    Py_ssize_t count = 0;
    Buffer scratch = {0};
    for (node = top; node != NULL;) {
        if (node->type == XML_ELEMENT_NODE) {
            for (const xmlAttr *each = node->properties; each != NULL; each = each->next) {
                if (each->ns == NULL && strcmp((const char *)each->name, "Id") == 0) {
                    size_t length;
                    const char *text = text_of(each->children, &scratch, &length);
                    if (text == NULL) {
                        free(scratch.bytes);
                        return NULL;
                    }
                    count += length == (size_t)id_length && memcmp(text, id, length) == 0;
                }
            }
            if (node->children != NULL) {
                node = node->children;
                continue;
            }
        }
        while (node != top && node->next == NULL) {
            node = node->parent;
        }
        node = node == top ? NULL : node->next;
    }
    free(scratch.bytes);
    return PyLong_FromSsize_t(count);
}

/* Whether lxml at run time lays its objects out as the headers say; -1 with an ImportError. */
static int
try_out(PyObject *etree)
{
    PyObject *size = PyObject_GetAttrString((PyObject *)element_type, "__basicsize__");
    if (size == NULL) {
        return -1;
    }
    Py_ssize_t bytes = PyLong_AsSsize_t(size);
    Py_DECREF(size);
    if (bytes != (Py_ssize_t)sizeof(struct LxmlElement)) {
        PyErr_SetString(PyExc_ImportError, "this lxml lays out its elements in another way");
        return -1;
    }
    PyObject *root = PyObject_CallMethod(etree, "fromstring", "s", "<a b='1'>t<c/></a>");
    if (root == NULL) {
        return -1;
    }
    const xmlNode *node = node_of(root);
    bool is_known = node != NULL && strcmp((const char *)node->name, "a") == 0
        && node->properties != NULL && strcmp((const char *)node->properties->name, "b") == 0
        && node->children != NULL && node->children->type == XML_TEXT_NODE
        && strcmp((const char *)node->children->content, "t") == 0 && node->last != NULL
        && node->last->parent == node;
    Py_DECREF(root);
    if (!is_known) {
        PyErr_SetString(PyExc_ImportError, "this libxml2 lays out its nodes in another way");
        return -1;
    }
    return 0;
}

static int
take_from_lxml(PyObject *etree)
{
    element_type = (PyTypeObject *)PyObject_GetAttrString(etree, "_Element");
    PyObject *functions = PyObject_GetAttrString(etree, "__pyx_capi__");
    if (element_type == NULL || functions == NULL) {
        Py_XDECREF(functions);
        return -1;
    }
    static const char signature[] = "struct LxmlElement *(struct LxmlDocument *, xmlNode *)";
    PyObject *capsule = PyMapping_GetItemString(functions, "elementFactory");
    Py_DECREF(functions);
    if (capsule != NULL) {
        element_factory = (ElementFactory)PyCapsule_GetPointer(capsule, signature);
        Py_DECREF(capsule);
    }
    if (element_factory == NULL) {
        PyErr_SetString(PyExc_ImportError, "this lxml has another elementFactory");
        return -1;
    }
    return try_out(etree);
}

static PyMethodDef functions[] = {
    {"canonical", canonical, METH_O, NULL},
    {"same_ids", same_ids, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "daemon.documents.tree",
    .m_doc = "lxml's trees, walked by their nodes; see tree.pyi.",
    .m_size = -1,
    .m_methods = functions,
};

static int
add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
    PyObject *type = PyType_FromSpec(spec);
    int fault = type == NULL ? -1 : PyModule_AddObjectRef(module, name, type);
    Py_XDECREF(type);
    return fault;
}

PyMODINIT_FUNC
PyInit_tree(void)
{
    PyObject *etree = PyImport_ImportModule("lxml.etree");
    if (etree == NULL) {
        return NULL;
    }
    int fault = take_from_lxml(etree);
    Py_DECREF(etree);
    if (fault < 0) {
        return NULL;
    }
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || add_type(module, "Walker", &walker_spec) < 0
        || add_type(module, "Grammar", &grammar_spec) < 0) {
        Py_XDECREF(module);
        return NULL;
    }
    return module;
}
