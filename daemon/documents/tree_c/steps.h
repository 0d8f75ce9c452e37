/* The trie of `plan.Plan` in C: what is found where, and what finding it does. */

#ifndef NFED_STEPS_H
#define NFED_STEPS_H

#include "tree.h"

typedef struct {
    Py_ssize_t slot;
    Py_ssize_t position;
    PyObject *convert; /* NULL: the text as it is */
} Fill;

typedef struct {
    Fill *fills;
    Py_ssize_t count;
} Fills;

typedef struct {
    char *name;
    Fills fills;
} Attribute;

typedef enum { NO_PLAIN_TEXT, ANY_TEXT, DECIMAL } Plain;

typedef struct Step {
    PyObject *node; /* the plan's own, for whoever is called back */
    char *name;
    struct Step *next;      /* the next child of its parent with the same hash */
    struct Step **children; /* by hash of the name; NULL: none */
    size_t mask;
    struct Step *wildcard;
    bool is_listed;
    Plain plain;
    size_t whole, places; /* digits of a DECIMAL */
    Fills fills;
    Fills names;  /* without `convert` */
    Fills begins; /* slots alone */
    Fills resets; /* slots alone */
    Attribute *attributes;
    Py_ssize_t attribute_count;
} Step;

/* Reads a plan's Node and all below it; NULL with an error. */
Step *step_from(PyObject *node, const char *name);
void step_free(Step *step);

/* The step of that very name; NULL: none. */
const Step *step_named(const Step *step, const char *name);

/* What a child of that name is; `unknown` for what the plan does not know. */
const Step *step_below(const Step *step, const char *name, const Step *unknown);

/* Where an attribute of that local name is stored; nowhere for an unknown one. */
Fills step_attribute(const Step *step, const char *name);

#endif
