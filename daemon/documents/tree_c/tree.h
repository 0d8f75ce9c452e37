/* What the parts of daemon.documents.tree share. */

#ifndef NFED_TREE_H
#define NFED_TREE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* qsort_r, strdup */
#endif
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030C0000 /* one build for Python 3.12 and all later ones */
#include <Python.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that grow; whoever made one frees its `bytes`. */
typedef struct {
    char *bytes;
    size_t length;
    size_t room;
} Buffer;

/* Sees to it that so many more bytes fit; -1 with a MemoryError. */
int buffer_reserve(Buffer *buffer, size_t more);

static inline int
buffer_add(Buffer *buffer, const void *bytes, size_t length)
{
    if (buffer->room - buffer->length < length && buffer_reserve(buffer, length) < 0) {
        return -1;
    }
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    return 0;
}

/* The node of an lxml element, borrowed from it; NULL with a TypeError for anything else. */
xmlNode *node_of(PyObject *element);

/* The lxml element of a node in the tree of `element`; a new reference. */
PyObject *element_of(PyObject *element, xmlNode *node);

/* All text of a list of siblings that is text alone, or NULL with an error. `scratch` holds it
 * where it stands in several nodes. */
const char *text_of(const xmlNode *first, Buffer *scratch, size_t *length);

/* The first element among a node's children, NULL for none; -1 in `fault` with a TypeError for a
 * child that is neither element nor text: the reader leaves comments and the like out. */
xmlNode *first_element(const xmlNode *parent, int *fault);
xmlNode *next_element(const xmlNode *element, int *fault);

extern PyType_Spec walker_spec, grammar_spec;
PyObject *canonical(PyObject *module, PyObject *element);

#endif
