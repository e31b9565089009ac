/*
 * mod_proxy_certs: lets mod_ssl accept RFC 3820 proxy certificates from clients.
 *
 *     SSLProxyCertificates On     in a virtual host; off by default
 *
 * OpenSSL refuses proxy certificates unless it is told otherwise, and mod_ssl has no directive for
 * that. In the virtual hosts that say so, this module tells it, and sets REPOMAN_PROXY_CERTS in the
 * environment of their requests, so that the application knows that a name alone proves nothing:
 * whoever holds a proxy chose the last part of its name.
 *
 * Build and install, as root (Debian: apache2-dev, libssl-dev):
 *
 *     apxs2 -i -c mod_proxy_certs.c -lssl -lcrypto
 *
 * The flag is set on the store of authorities and not on the SSL_CTX: with name-based virtual hosts
 * OpenSSL switches to the store of the host that the client names (SNI), but keeps the verification
 * parameters of the first one.
 */
#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "http_request.h"
#include "apr_optional_hooks.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

/* From mod_ssl_openssl.h, which Debian's apache2-dev does not have. */
typedef int ssl_HOOK_init_server_t(server_rec *server, apr_pool_t *pool, int is_proxy,
                                   SSL_CTX *context);

module AP_MODULE_DECLARE_DATA proxy_certs_module;

enum { UNSET = -1, OFF = 0, ON = 1 };

typedef struct {
    int accept;
} server_config;

static void *create_server_config(apr_pool_t *pool, server_rec *server)
{
    server_config *made = apr_palloc(pool, sizeof(*made));
    made->accept = UNSET;
    return made;
}

static void *merge_server_config(apr_pool_t *pool, void *base, void *added)
{
    return ((server_config *)added)->accept == UNSET ? base : added;
}

static int accepts(server_rec *server)
{
    server_config *config = ap_get_module_config(server->module_config, &proxy_certs_module);
    return config->accept == ON;
}

static const char *set_accept(cmd_parms *command, void *unused, int on)
{
    server_config *config =
        ap_get_module_config(command->server->module_config, &proxy_certs_module);
    config->accept = on ? ON : OFF;
    return NULL;
}

/* mod_ssl calls this for the context of each server, once its authorities are loaded. */
static int init_server(server_rec *server, apr_pool_t *pool, int is_proxy, SSL_CTX *context)
{
    /* is_proxy: mod_ssl as a client of other servers, which is none of our business. */
    if (is_proxy || !accepts(server)) {
        return OK;
    }
    if (!X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_ALLOW_PROXY_CERTS)) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server,
                     "mod_proxy_certs: OpenSSL cannot be told to accept proxy certificates");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static int set_environment(request_rec *request)
{
    if (accepts(request->server)) {
        apr_table_setn(request->subprocess_env, "REPOMAN_PROXY_CERTS", "on");
    }
    return DECLINED;
}

static void register_hooks(apr_pool_t *pool)
{
    APR_OPTIONAL_HOOK(ssl, init_server, init_server, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_fixups(set_environment, NULL, NULL, APR_HOOK_MIDDLE);
}

static const command_rec directives[] = {
    AP_INIT_FLAG("SSLProxyCertificates", set_accept, NULL, RSRC_CONF,
                 "Whether clients may show RFC 3820 proxy certificates"),
    {NULL},
};

AP_DECLARE_MODULE(proxy_certs) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, create_server_config, merge_server_config, directives,
    register_hooks,
};
