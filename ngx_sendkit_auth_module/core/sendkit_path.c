
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_alphabet.h"
#include "sendkit_path.h"


static int sendkit_path_is_dots(sendkit_span_t segment);


int
sendkit_path_is_canonical(sendkit_span_t raw, sendkit_span_t normalized)
{
    sendkit_span_t  rest, segment;

    if (raw.len == 0 || raw.data[0] != '/'
        || !sendkit_span_equal(raw, normalized)
        || !sendkit_alphabet_spells(SENDKIT_ALPHABET_PATH, raw))
    {
        return 0;
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


static int
sendkit_path_is_dots(sendkit_span_t segment)
{
    return (segment.len == 1 || segment.len == 2)
           && segment.data[0] == '.' && segment.data[segment.len - 1] == '.';
}
