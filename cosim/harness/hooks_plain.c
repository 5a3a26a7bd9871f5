/* Watches nothing: the model is compiled as a product would compile it. */
#include "hooks.h"

void at_moment(moment now)
{
    (void)now;
}

void node_begin(int32_t index)
{
    (void)index;
}

void node_end(int32_t index)
{
    (void)index;
}
