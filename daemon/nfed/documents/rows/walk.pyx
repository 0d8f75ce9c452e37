# cython: language_level=3, wraparound=False
"""Walks an element's tree by libxml2's nodes and fills rows: `Extraction._visit`, compiled.

What it promises. `Walker.visit` leaves the same rows, returns the same bytes for the digest and
calls back with the same values as `extract.Extraction._visit`, in a fifth of the time: a note of
five items takes 76 microseconds instead of 372, of the 940 that nfed spends on it in all. That
method is its twin: who changes one changes the other, and tests/documents/test_walk.py compares
the two over thousands of documents. The twin also runs where this module is missing: where nfed
was installed without a C compiler, or lies beside an lxml that this does not fit (see below).

How it works. The trie of a plan is read once into `Step`s, whose names are bytes as libxml2 has
them. A walk goes through a node's children, finds the Step of each by its name, and does what that
says. Nearly every child is a text without attributes that goes into an empty place as it stands;
that costs one Python object, the text. Rows are begun, names stored and values converted here as
well. A value that its place cannot hold, or that has no place, is handed back with a proxy of its
element: `fill` and `attribute` keep it aside, and say what is wrong with it.

What each element says is written to one buffer as `name=text`, or as `name=` and its children
between two control characters, which no XML can hold. When an element is done, its children are
put in order where they lie, so that the digest does not depend on the order of elements.

How it reads the tree. An lxml element holds a pointer to its node. lxml publishes that field, and
those of a node, for Cython: lxml.includes.etreepublic and .tree, in its wheel. Names, texts and
the links between nodes are read there; attributes and rare texts come from lxml's own functions,
which it hands out at run time by name and signature. Nothing is linked against libxml2, and no
node is ever written to.

Why that is safe:

- The tree outlives the walk: `visit` holds the element, which holds its document. Nobody changes
  it meanwhile: it belongs to the thread that parsed it, and what is called back only reads.
- The fields lie where they lay when this was compiled. At import lxml's functions are compared by
  signature and its element by size, and a tree of known content is read field by field
  (`check_layout`). Whatever differs raises, and the twin does the work. Built beside lxml 5.3 it
  runs with 6.1, and the other way round.
- A node that is neither element nor text (a comment, an entity) raises TypeError: `xml.parse`
  leaves none. A tree about as deep as the twin can walk raises RecursionError.
- Lists are indexed with their bounds checked, and Cython counts the references. Kept by hand are
  only the two buffers of a `Walk`, freed with it. Who changes how they are written runs the tests
  under AddressSanitizer once: it has found a copy onto itself that the tests alone had not.

What it does not do: parse (`xml.parse`), decide what is stored where (`plan`), tell a good value
from a bad one (`values`), make the paths of what is kept aside (`extract`).
"""

cimport cython
from libc.stdlib cimport free, qsort, realloc
from libc.string cimport memcmp, memcpy, memmove, strcmp, strlen

from lxml.includes.etreepublic cimport (
    _Document,
    _Element,
    collectAttributes,
    elementFactory,
    import_lxml__etree,
    textOf,
)
from lxml.includes.tree cimport (
    XML_CDATA_SECTION_NODE,
    XML_ELEMENT_NODE,
    XML_TEXT_NODE,
    xmlNode,
)

from lxml import etree

cdef extern from "Python.h":
    str PyUnicode_DecodeUTF8(const char*, Py_ssize_t, const char*)
    const char* PyUnicode_AsUTF8AndSize(str, Py_ssize_t*) except NULL

cdef extern from "etree.h":
    ctypedef struct ElementAsCompiled "struct LxmlElement":
        pass

cdef enum:
    MOST_DEEP = 500  # elements; the parser allows 256
    BOTH = 3  # names and values, of collectAttributes


cdef class Walker:
    """What `extract.Extraction._visit` does, for one plan."""

    cdef Step root, unknown
    cdef tuple widths, parents, children
    cdef dict words

    def __cinit__(self, plan, unknown, dict words not None):
        self.unknown = Step(unknown, "", None)
        self.root = Step(plan.root, "", self.unknown)
        self.widths, self.parents, self.children = plan.widths, plan.parents, plan.children
        self.words = words

    def visit(
        self,
        _Element element not None,
        tuple path not None,
        list current not None,
        list collected not None,
        fill,
        attribute,
    ):
        """Fills rows from the children of `element`; returns what they say."""
        cdef Step step = self.root
        cdef Step below
        cdef Walk walk = Walk.__new__(Walk)
        if element._c_node == NULL or element._c_node.type != XML_ELEMENT_NODE:
            raise TypeError("expected an element that is no comment or the like")
        for name in path:
            below = step.named((<str>name).encode())
            step = self.unknown if below is None else below
        walk.walker = self
        walk.document = element._doc
        walk.current, walk.collected = current, collected
        walk.ask_fill, walk.ask_attribute = fill, attribute
        walk.visit(element._c_node, step)
        return walk.written[:walk.length]


@cython.final
cdef class Step:
    """A plan.Node, with its name as libxml2 has it."""

    cdef object node  # for whoever is called back
    cdef bytes name  # and `=`
    cdef const char* label  # its bytes
    cdef Py_ssize_t label_length
    cdef list by_hash  # the first child of each hash of a name
    cdef Step next  # the next child of its parent with the same hash
    cdef Step other  # what a child of any other name is
    cdef bint is_listed
    cdef bint does_more  # it begins rows, or its name is stored
    cdef bint is_plain, is_decimal
    cdef Py_ssize_t slot, position  # the first place of a plain text
    cdef tuple more_places
    cdef Py_ssize_t whole, places  # digits of a plain decimal
    cdef tuple fills

    def __cinit__(self, node, str name not None, Step unknown):
        cdef Step child
        cdef Py_ssize_t size = 4, place
        self.node, self.fills = node, node.fills
        self.name = f"{name}=".encode()
        self.label, self.label_length = self.name, len(self.name)
        self.is_listed = node.is_listed
        self.does_more = bool(node.begins or node.resets or node.names)
        if node.plain is not None:
            self.is_plain = True
            _, ((self.slot, self.position), *others) = node.plain
            self.more_places = tuple(others)
        if node.digits is not None:
            self.is_decimal = True
            self.whole, self.places = node.digits
        children = {} if node.is_listed else node.children
        while size < 2 * len(children):
            size *= 2
        self.by_hash = [None] * size
        for child_name, child_node in children.items():
            child = Step(child_node, child_name, unknown)
            place = hash_of(child.label, child.label_length - 1) & (size - 1)
            child.next = self.by_hash[place]
            self.by_hash[place] = child
        if node.is_listed or unknown is None:
            self.other = self
        elif node.wildcard is not None:
            self.other = Step(node.wildcard, "*", unknown)
        else:
            self.other = unknown

    cdef inline Step named(self, const char* name):
        """The child of that very name; None for none."""
        cdef Py_ssize_t length = strlen(name)
        cdef Step child = <Step>self.by_hash[hash_of(name, length) & (len(self.by_hash) - 1)]
        while child is not None and (
            child.label_length != length + 1 or memcmp(child.label, name, length) != 0
        ):
            child = child.next
        return child


cdef struct Piece:
    Py_ssize_t begin  # in Walk.written
    Py_ssize_t length
    const char* text  # the same place, known when nothing is written any more


@cython.final
cdef class Walk:
    """One walk: where its values go, and what it has written for the digest."""

    cdef Walker walker
    cdef _Document document
    cdef list current  # by slot: the row that values go to, or None
    cdef list collected  # by slot: all rows
    cdef object ask_fill, ask_attribute
    cdef int depth
    cdef char* written
    cdef Py_ssize_t length, room
    cdef Piece* pieces
    cdef Py_ssize_t piece_count, piece_room

    def __dealloc__(self):
        free(self.written)
        free(self.pieces)

    cdef int visit(self, const xmlNode* element, Step step) except -1:
        """Fills rows from the children of an element, and writes what they say."""
        cdef Py_ssize_t start = self.length, first = self.piece_count, begin
        cdef xmlNode* child = element.children
        cdef xmlNode* only
        cdef Step known
        self.depth += 1
        if self.depth > MOST_DEEP:
            raise RecursionError(f"elements lie more than {MOST_DEEP} deep")
        while stop_at_element(&child):
            begin = self.length
            known = step.named(<const char*>child.name)
            if known is not None:
                self.write(known.label, known.label_length)
            else:
                known = step.other
                self.write(<const char*>child.name, strlen(<const char*>child.name))
                self.write(b"=", 1)
            only = child.children
            if (
                known.is_plain
                and child.properties == NULL
                and (only == NULL or only.next == NULL and only.type == XML_TEXT_NODE)
            ):
                # Nearly all that a note says: a text without attributes that is stored as written.
                self.store_plain(child, known)
            else:
                self.visit_rare(child, known)
            self.add_piece(begin)
            child = child.next
        self.depth -= 1
        self.join_pieces(first, start)
        return 0

    cdef int store_plain(self, xmlNode* element, Step step) except -1:
        cdef const char* content = b""
        cdef Py_ssize_t length
        cdef str text
        if element.children != NULL and element.children.content != NULL:
            content = <const char*>element.children.content
        length = strlen(content)
        text = PyUnicode_DecodeUTF8(content, length, NULL)
        if length > 0 and not (is_visible(content[0]) and is_visible(content[length - 1])):
            self.write_text(text.strip())  # which knows more blanks than ASCII's
        else:
            self.write(content, length)
        if step.is_decimal and not is_usual_decimal(content, length, step):
            self.fill(element, text, step)
            return 0
        self.place(element, text, step, step.slot, step.position)
        for slot, position in step.more_places:
            self.place(element, text, step, slot, position)
        return 0

    cdef inline int place(
        self, xmlNode* element, str text, Step step, Py_ssize_t slot, Py_ssize_t position
    ) except -1:
        cdef list row = self.current[slot]
        if row is None:
            row = self.begin(slot)
        if row[position] is None:
            row[position] = text
        else:
            self.ask_fill(elementFactory(self.document, element), text, step.node)
        return 0

    cdef int visit_rare(self, xmlNode* element, Step step) except -1:
        """A group, or a text that is more than that."""
        cdef str heading = "", text
        cdef xmlNode* child = element.children
        if step.does_more:
            self.begin_and_name(element, step)
        if element.properties != NULL:
            heading = self.take_attributes(element, step)
        if stop_at_element(&child):
            self.write_text(heading)
            self.write(b"\x1c", 1)
            self.visit(element, step)
            self.write(b"\x1d", 1)
            return 0
        text = textOf(element) or ""
        self.write_text(text.strip())
        self.write_text(heading)
        self.fill(element, text, step)
        return 0

    cdef int begin_and_name(self, xmlNode* element, Step step) except -1:
        cdef list row
        for slot in step.node.begins:
            self.begin(slot)
        for slot in step.node.resets:
            self.current[slot] = None
        for slot, position in step.node.names:
            row = self.current[slot]
            if row is None:
                row = self.begin(slot)
            name = (<const char*>element.name).decode()
            row[position] = row[position] or self.walker.words.get(name, name)
        return 0

    cdef str take_attributes(self, xmlNode* element, Step step):
        """Stores the attributes; returns what they say."""
        cdef list items = collectAttributes(element, BOTH)
        for name, text in items:
            fills = step.node.attributes.get(name.rpartition("}")[2], ())
            if (fills or not step.is_listed) and not self.store(fills, text):
                self.ask_attribute(elementFactory(self.document, element), name, text, step.node)
        return f"\x1f{sorted(items)}"

    cdef int fill(self, xmlNode* element, str text, Step step) except -1:
        """Stores a text that is more than plain; asks for what is no matter of an empty place."""
        if not step.fills and (step.is_listed or not text.strip()):
            return 0
        if not self.store(step.fills, text):
            self.ask_fill(elementFactory(self.document, element), text, step.node)
        return 0

    cdef bint store(self, tuple fills, str text) except -1:
        """Whether every place was free and one at least now holds the text; else none does."""
        cdef list values = [], row
        cdef Py_ssize_t number = 0
        cdef bint is_stored = False
        for slot, position, convert in fills:
            row = self.current[slot]
            if row is not None and row[position] is not None:
                return False
            try:
                values.append(text if convert is None else convert(text))
            except ValueError:  # asked again by Extraction._store, which says so
                return False
        for number in range(len(values)):
            slot, position, _ = fills[number]
            row = self.current[slot]
            if row is None and values[number] is not None:
                row = self.begin(slot)
            if row is not None:
                row[position] = values[number]
                is_stored = is_stored or values[number] is not None
        return is_stored

    cdef list begin(self, Py_ssize_t slot):
        """A new row of that table, below its parent's newest one."""
        cdef Py_ssize_t parent = self.walker.parents[slot], number = 0
        cdef list row
        if parent >= 0:
            if self.current[parent] is None:
                self.begin(parent)
            number = len(<list>self.collected[parent]) - 1
        row = [None] * <Py_ssize_t>self.walker.widths[slot]
        row[0] = number
        (<list>self.collected[slot]).append(row)
        self.current[slot] = row
        for child in <tuple>self.walker.children[slot]:
            self.current[child] = None
        return row

    cdef int write_text(self, str text) except -1:
        cdef Py_ssize_t length = 0
        cdef const char* content = PyUnicode_AsUTF8AndSize(text, &length)
        return self.write(content, length)

    cdef inline int write(self, const char* text, Py_ssize_t length) except -1:
        if self.room - self.length < length:
            self.reserve(length)
        memcpy(self.written + self.length, text, length)
        self.length += length
        return 0

    cdef int reserve(self, Py_ssize_t more) except -1:
        """Sees to it that so many more bytes fit."""
        cdef Py_ssize_t room = max(2 * self.room, self.length + more, 16_384)
        cdef char* written = <char*>realloc(self.written, room)
        if written == NULL:
            raise MemoryError
        self.written, self.room = written, room
        return 0

    cdef inline int add_piece(self, Py_ssize_t begin) except -1:
        """Notes what one element has written: all from `begin` on."""
        cdef Piece* pieces
        if self.piece_count == self.piece_room:
            room = 2 * self.piece_room or 256
            pieces = <Piece*>realloc(self.pieces, room * sizeof(Piece))
            if pieces == NULL:
                raise MemoryError
            self.pieces, self.piece_room = pieces, room
        pieces = self.pieces + self.piece_count
        pieces.begin, pieces.length = begin, self.length - begin
        self.piece_count += 1
        return 0

    cdef int join_pieces(self, Py_ssize_t first, Py_ssize_t start) except -1:
        """Puts the pieces from `first` on, written from `start` on, in order, with separators."""
        cdef Py_ssize_t count = self.piece_count - first, length = self.length - start, number
        cdef Piece* pieces = self.pieces + first
        cdef char* joined
        cdef char* end
        self.piece_count = first
        if count < 2:
            return 0
        if self.room - self.length < length + count:
            self.reserve(length + count)
        for number in range(count):
            pieces[number].text = self.written + pieces[number].begin
        qsort(pieces, count, sizeof(Piece), order_of)
        joined = end = self.written + self.length
        for number in range(count):
            if number > 0:
                end[0] = 0x1E
                end += 1
            memcpy(end, pieces[number].text, pieces[number].length)
            end += pieces[number].length
        memmove(self.written + start, joined, length + count - 1)  # they overlap
        self.length = start + length + count - 1
        return 0


cdef int order_of(const void* left, const void* right) noexcept nogil:
    cdef const Piece* one = <const Piece*>left
    cdef const Piece* other = <const Piece*>right
    cdef int order = memcmp(one.text, other.text, min(one.length, other.length))
    return order if order != 0 else (one.length > other.length) - (one.length < other.length)


cdef inline size_t hash_of(const char* name, Py_ssize_t length) noexcept:
    cdef size_t number = 5381
    cdef Py_ssize_t each
    for each in range(length):
        number = number * 33 ^ <unsigned char>name[each]
    return number ^ number >> 7


cdef inline bint stop_at_element(xmlNode** node) except -1:
    """Moves to the first element from there on; False for none."""
    while node[0] != NULL and node[0].type != XML_ELEMENT_NODE:
        if node[0].type != XML_TEXT_NODE and node[0].type != XML_CDATA_SECTION_NODE:
            raise TypeError("expected elements and text alone")
        node[0] = node[0].next
    return node[0] != NULL


cdef inline bint is_visible(char byte) noexcept:
    """No blank at the end of a text: of ASCII, and none of its blanks and controls."""
    return b"!"[0] <= <unsigned char>byte <= b"~"[0]


cdef inline bint is_digit(char byte) noexcept:
    return b"0"[0] <= byte <= b"9"[0]


cdef bint is_usual_decimal(const char* text, Py_ssize_t length, Step step) noexcept:
    """As `usual` in values._decimal: digits, a point, digits; zeros at the end do not count."""
    cdef Py_ssize_t point = 0, end
    while point < length and is_digit(text[point]):
        point += 1
    if not 0 < point <= step.whole:
        return False
    if point == length:
        return True
    end = point + 1
    while end < length and is_digit(text[end]):
        end += 1
    if text[point] != b"."[0] or end < length or not 0 < end - point - 1 <= step.places + 8:
        return False
    while end - point - 1 > step.places and text[end - 1] == b"0"[0]:
        end -= 1
    return end - point - 1 <= step.places


cdef int check_layout() except -1:
    """Raises ImportError where lxml or libxml2 lie in memory otherwise than when compiled."""
    cdef _Element root = etree.fromstring("<a b='1'>t<c/></a>")
    cdef const xmlNode* node = root._c_node
    if etree._Element.__basicsize__ != sizeof(ElementAsCompiled):
        raise ImportError("this lxml lays out its elements in another way")
    if (
        node == NULL
        or node.type != XML_ELEMENT_NODE
        or strcmp(<const char*>node.name, b"a") != 0
        or node.properties == NULL
        or strcmp(<const char*>node.properties.name, b"b") != 0
        or node.children == NULL
        or node.children.type != XML_TEXT_NODE
        or strcmp(<const char*>node.children.content, b"t") != 0
        or node.children.next == NULL
        or strcmp(<const char*>node.children.next.name, b"c") != 0
        or node.children.next.next != NULL
    ):
        raise ImportError("this libxml2 lays out its nodes in another way")
    return 0


import_lxml__etree()
check_layout()
