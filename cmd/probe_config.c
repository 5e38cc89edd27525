/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leat probe's configuration file: a YAML mapping of the options' names to their values. Lists are
 * several times the option (`to`, `ports`), or a value joined by commas (`key`, `fields`).
 */
#include "probe.h"
#include <errno.h>
#include <string.h>
#include <yaml.h>

struct file {
    const char *path;
    const struct probe_config_reader *reader;
    yaml_document_t document;
};

struct place {
    char text[512];
};

static struct place place_of(const struct file *file, const yaml_node_t *node, const char *key) {
    struct place place;
    snprintf(place.text, sizeof(place.text), "%s:%zu%s%s", file->path, node->start_mark.line + 1,
             key ? ": " : "", key ? key : "");
    return place;
}

/* The text of a word or number; NULL: it is something else. */
static const char *scalar(const yaml_node_t *node) {
    if (node->type != YAML_SCALAR_NODE)
        return NULL;
    const char *text = (const char *)node->data.scalar.value;
    return strlen(text) == node->data.scalar.length ? text : NULL; /* no zero byte in it */
}

static bool set_one(struct file *file, const yaml_node_t *node, const char *key,
                    const char *value) {
    const struct probe_config_reader *reader = file->reader;
    const struct place place = place_of(file, node, key);
    const char *kept = reader->keep(reader->ctx, value);
    if (!kept)
        return options_wrong("%s: no memory", place.text);
    if (!strcmp(key, "ports"))
        return reader->port(reader->ctx, kept, place.text);
    int set = options_set(reader->options, key, kept, place.text);
    if (set < 0)
        return options_wrong("%s: there is no option of that name; 'leat help probe' lists them",
                             place.text);
    return set > 0;
}

static bool set_list(struct file *file, const yaml_node_t *list, const char *key) {
    bool repeats = !strcmp(key, "to") || !strcmp(key, "ports");
    char joined[1024] = "";
    size_t length = 0;
    for (yaml_node_item_t *item = list->data.sequence.items.start;
         item < list->data.sequence.items.top; item++) {
        const yaml_node_t *node = yaml_document_get_node(&file->document, *item);
        const char *value = scalar(node);
        if (!value)
            return options_wrong("%s: its list holds something else than words and numbers",
                                 place_of(file, node, key).text);
        if (repeats) {
            if (!set_one(file, node, key, value))
                return false;
            continue;
        }
        length += (size_t)snprintf(joined + length, sizeof(joined) - length, "%s%s",
                                   length ? "," : "", value);
        if (length >= sizeof(joined))
            return options_wrong("%s: its list is too long", place_of(file, list, key).text);
    }
    return repeats || set_one(file, list, key, joined);
}

static bool given_before(struct file *file, const yaml_node_pair_t *first,
                         const yaml_node_pair_t *pair, const char *key) {
    for (; first < pair; first++) {
        const char *other = scalar(yaml_document_get_node(&file->document, first->key));
        if (other && !strcmp(other, key))
            return true;
    }
    return false;
}

static bool set_pair(struct file *file, const yaml_node_t *root, const yaml_node_pair_t *pair) {
    const yaml_node_t *name = yaml_document_get_node(&file->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(&file->document, pair->value);
    const char *key = scalar(name);
    if (!key)
        return options_wrong("%s: a key has to be a word", place_of(file, name, NULL).text);
    struct place place = place_of(file, name, key);
    if (given_before(file, root->data.mapping.pairs.start, pair, key))
        return options_wrong("%s: it stands there twice", place.text);
    if (!strcmp(key, "config") || !strcmp(key, "read"))
        return options_wrong("%s: is for the command line only", place.text);
    if (value->type == YAML_SEQUENCE_NODE)
        return set_list(file, value, key);
    const char *text = scalar(value);
    if (!text)
        return options_wrong("%s: takes a value or a list of them", place.text);
    return set_one(file, value, key, text);
}

static bool set_all(struct file *file) {
    const yaml_node_t *root = yaml_document_get_root_node(&file->document);
    if (!root) /* empty, or only comments */
        return true;
    if (root->type != YAML_MAPPING_NODE)
        return options_wrong("%s: expected lines of 'option: value'",
                             place_of(file, root, NULL).text);
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++)
        if (!set_pair(file, root, pair))
            return false;
    return true;
}

bool probe_config_read(const char *path, const struct probe_config_reader *reader) {
    FILE *stream = fopen(path, "re");
    if (!stream)
        return options_wrong("%s: cannot read the configuration: %s", path, strerror(errno));
    struct file file = { .path = path, .reader = reader };
    yaml_parser_t parser;
    bool done = false;
    if (yaml_parser_initialize(&parser)) {
        yaml_parser_set_input_file(&parser, stream);
        if (yaml_parser_load(&parser, &file.document)) {
            done = set_all(&file);
            yaml_document_delete(&file.document);
        } else {
            options_wrong("%s:%zu: is not YAML: %s", path, parser.problem_mark.line + 1,
                          parser.problem ? parser.problem : "cannot be read");
        }
        yaml_parser_delete(&parser);
    }
    fclose(stream);
    return done;
}
