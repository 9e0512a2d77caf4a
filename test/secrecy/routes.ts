/**
 * Who is let in where (routes.test.ts). A new route needs a line: who may call it, and who may not.
 *
 * `-`: 401, no valid key. `x`: refused to this key, or to this site. `?`: the address does not take the method. `+`: let in,
 * whatever the answer is. A method that is in no line is refused to everybody.
 *
 * The columns: no key, a wrong one, a revoked and an expired one of an admin; a key of each role; a backend's key for another
 * chat than the one asked for; a page with an admin's log-in, and a page of another site in the same browser.
 */
export const ROUTES = `
route                                       nobody wrong revoked expired operator aggregator backend support metrics admin certain page other methods
/                                           +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/assets/*                                   +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/bot:key                                    -      -     -       -       +        +          +       x       x       +     +       -    -     DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE
/bot:key/*                                  -      -     -       -       ?        ?          ?       x       x       ?     ?       -    -     DELETE HEAD OPTIONS PATCH PUT
/bot:key/*                                  -      -     -       -       x        x          x       x       x       x     x       -    -     GET POST
/bot:key/*                                  -      -     -       -       +        +          +       x       x       +     +       -    -     QUERY TRACE
/bot:key/:method                            -      -     -       -       ?        ?          ?       x       x       ?     ?       -    -     DELETE HEAD OPTIONS PATCH PUT
/bot:key/:method                            -      -     -       -       +        +          +       x       x       +     +       -    -     GET POST
/client.js                                  +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/console                                    +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/docs                                       +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/docs/                                      +      +     +       +       +        +          +       +       +       +     +       +    +     HEAD
/docs/json                                  +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/docs/static/*                              +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/docs/static/index.html                     +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/docs/static/swagger-initializer.js         +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/docs/static/theme/docs-page.css            +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/docs/static/theme/icon.svg                 +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/docs/static/theme/theme.css                +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/docs/yaml                                  +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/file/bot:key                               -      -     -       -       +        +          +       x       x       +     +       -    -     DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE
/file/bot:key/*                             -      -     -       -       ?        ?          ?       x       x       ?     ?       -    -     DELETE HEAD OPTIONS PATCH PUT
/file/bot:key/*                             -      -     -       -       +        x          +       x       x       +     +       -    -     GET
/inspector                                  +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/inspector/stately                          -      -     -       -       x        x          x       x       x       +     x       +    x     GET
/livez                                      +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/metrics                                    -      -     -       -       x        x          x       x       +       +     x       +    x     GET HEAD
/openapi.json                               +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/readyz                                     +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/sandbox                                    +      +     +       +       +        +          +       +       +       +     +       +    +     GET HEAD
/telegram/bot:key                           -      -     -       -       +        +          +       x       x       +     +       -    -     DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE
/telegram/bot:key/*                         -      -     -       -       ?        ?          ?       x       x       ?     ?       -    -     DELETE HEAD OPTIONS PATCH PUT
/telegram/bot:key/*                         -      -     -       -       x        x          x       x       x       x     x       -    -     GET POST
/telegram/bot:key/*                         -      -     -       -       +        +          +       x       x       +     +       -    -     QUERY TRACE
/telegram/bot:key/:method                   -      -     -       -       ?        ?          ?       x       x       ?     ?       -    -     DELETE HEAD OPTIONS PATCH PUT
/telegram/bot:key/:method                   -      -     -       -       +        +          +       x       x       +     +       -    -     GET POST
/telegram/file/bot:key                      -      -     -       -       +        +          +       x       x       +     +       -    -     DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE
/telegram/file/bot:key/*                    -      -     -       -       ?        ?          ?       x       x       ?     ?       -    -     DELETE HEAD OPTIONS PATCH PUT
/telegram/file/bot:key/*                    -      -     -       -       +        x          +       x       x       +     +       -    -     GET
/v1/audit                                   -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/chats                                   -      -     -       -       +        x          +       +       x       +     +       +    x     GET HEAD
/v1/chats/:id                               -      -     -       -       +        x          +       +       x       +     x       +    x     GET HEAD
/v1/chats/:id/erase                         -      -     -       -       x        x          x       x       x       +     x       +    x     POST
/v1/chats/:id/events                        -      -     -       -       +        x          +       +       x       +     x       +    x     GET HEAD
/v1/chats/:id/events                        -      -     -       -       x        +          +       x       x       +     x       +    x     POST
/v1/chats/:id/export                        -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/chats/:id/retry                         -      -     -       -       x        x          x       x       x       +     x       +    x     POST
/v1/console/chats                           -      -     -       -       +        x          +       +       x       +     +       +    x     GET HEAD
/v1/console/chats/:id/read                  -      -     -       -       +        x          +       +       x       +     x       +    x     POST
/v1/console/chats/:id/transcript            -      -     -       -       +        x          +       +       x       +     x       +    x     GET HEAD
/v1/console/entries/:seq                    -      -     -       -       +        x          +       +       x       +     +       +    x     GET HEAD
/v1/console/file                            -      -     -       -       +        x          +       +       x       +     +       +    x     GET
/v1/console/overview                        -      -     -       -       +        x          +       +       x       +     +       +    x     GET HEAD
/v1/console/search                          -      -     -       -       +        x          +       +       x       +     +       +    x     GET HEAD
/v1/console/states                          -      -     -       -       +        x          +       +       x       +     +       +    x     GET HEAD
/v1/erasures                                -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/erasures/:number                        -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/events                                  -      -     -       -       +        x          +       +       x       +     +       +    x     GET
/v1/inspector/chats/:id                     -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/inspector/chats/:id/steps               -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/inspector/feed                          -      -     -       -       x        x          x       x       x       +     x       +    x     GET
/v1/inspector/machines                      -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/inspector/machines/:id/chats            -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/inspector/machines/:id/states           -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/keys                                    -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD POST
/v1/keys/:id                                -      -     -       -       x        x          x       x       x       +     x       +    x     DELETE
/v1/keys/:id/callback                       -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/keys/:id/callback/resume                -      -     -       -       x        x          x       x       x       +     x       +    x     POST
/v1/keys/:id/rotate                         -      -     -       -       x        x          x       x       x       +     x       +    x     POST
/v1/messages                                -      -     -       -       x        +          +       +       x       +     +       +    x     GET HEAD
/v1/messages                                -      -     -       -       x        +          +       +       x       +     x       +    x     POST
/v1/messages/:id                            -      -     -       -       x        +          +       +       x       +     +       +    x     DELETE GET HEAD
/v1/messages/:id/resolve                    -      -     -       -       x        +          +       +       x       +     +       +    x     POST
/v1/messages/batch                          -      -     -       -       x        +          +       x       x       +     +       +    x     POST
/v1/messages/events                         -      -     -       -       x        +          +       +       x       +     +       +    x     GET
/v1/messages/resolve                        -      -     -       -       x        +          +       +       x       +     +       +    x     POST
/v1/operators                               -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/outbox                                  -      -     -       -       x        x          x       x       x       +     x       +    x     GET HEAD
/v1/outbox/release                          -      -     -       -       x        x          x       x       x       +     x       +    x     POST
/v1/sandbox                                 +      +     +       +       +        +          +       +       +       +     +       +    x     GET HEAD
/v1/sandbox/chats/:id                       +      +     +       +       +        +          +       +       +       +     +       +    x     GET HEAD
/v1/sandbox/chats/:id/entries               +      +     +       +       +        +          +       +       +       +     +       +    x     GET
/v1/sandbox/chats/:id/quarantined           +      +     +       +       +        +          +       +       +       +     +       +    x     GET HEAD
/v1/sandbox/control/*                       +      +     +       +       +        +          +       +       +       +     +       +    x     DELETE POST
/v1/sandbox/feed                            +      +     +       +       +        +          +       +       +       +     +       +    x     GET
/v1/sandbox/files/:id                       +      +     +       +       +        +          +       +       +       +     +       +    x     GET HEAD
/v1/sandbox/offline                         +      +     +       +       +        +          +       +       +       +     +       +    x     POST
/v1/session                                 +      +     +       +       +        +          +       +       +       +     +       +    x     DELETE POST
/v1/session                                 -      -     -       -       -        -          -       -       -       -     -       +    x     GET HEAD
/v1/tickets                                 -      -     -       -       +        x          +       +       x       +     +       x    x     POST
`;
