
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_id.h"
#include "sendkit_path.h"


static int sendkit_path_is_accepted(unsigned char c);
static int sendkit_path_is_dots(sendkit_span_t segment);


int
sendkit_path_is_canonical(sendkit_span_t raw, sendkit_span_t normalized)
{
    size_t          i;
    sendkit_span_t  rest, segment;

    if (raw.len == 0 || raw.data[0] != '/'
        || !sendkit_span_equal(raw, normalized))
    {
        return 0;
    }

    for (i = 0; i < raw.len; i++) {
        if (!sendkit_path_is_accepted(raw.data[i])) {
            return 0;
        }
    }

    rest = raw;

    while (sendkit_path_next_segment(&rest, &segment)) {
        if (sendkit_path_is_dots(segment)
            || (segment.len == 0 && rest.len != 0))
        {
            return 0;
        }
    }

    return 1;
}


int
sendkit_path_next_segment(sendkit_span_t *rest, sendkit_span_t *segment)
{
    size_t  i;

    if (rest->len == 0) {
        return 0;
    }

    for (i = 1; i < rest->len && rest->data[i] != '/'; i++) { /* void */ }

    segment->data = rest->data + 1;
    segment->len = i - 1;

    rest->data += i;
    rest->len -= i;

    return 1;
}


static int
sendkit_path_is_accepted(unsigned char c)
{
    return sendkit_id_is_word(c)
           || (c != '\0' && strchr("/.~!$&'()*+,=:@", c) != NULL);
}


static int
sendkit_path_is_dots(sendkit_span_t segment)
{
    return (segment.len == 1 || segment.len == 2)
           && segment.data[0] == '.' && segment.data[segment.len - 1] == '.';
}
