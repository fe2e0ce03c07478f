#ifndef CMICROHTTPD_SHIM_H
#define CMICROHTTPD_SHIM_H
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <sys/socket.h>

/// The arguments of MHD_start_daemon, which is variadic and so not visible in Swift. `certificate` and `priorities` are for TLS.
struct cmicrohttpd_options {
    unsigned int flags;
    void *context;
    MHD_AccessHandlerCallback handler;
    MHD_RequestCompletedCallback completed;
    MHD_NotifyConnectionCallback connection;
    size_t (*unescape)(void *, struct MHD_Connection *, char *);
    void *(*first_line)(void *, const char *, struct MHD_Connection *);
    unsigned int timeout_seconds;
    unsigned int connection_limit;
    size_t connection_memory;
    gnutls_certificate_retrieve_function3 *certificate;
    const char *priorities;
};

/// Starts a daemon. Returns NULL, and sets errno, if that fails.
static inline struct MHD_Daemon *cmicrohttpd_start(const struct cmicrohttpd_options *options) {
    struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)options->certificate},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)options->priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(
        options->flags, 0, NULL, NULL, options->handler, options->context, MHD_OPTION_NOTIFY_COMPLETED, options->completed,
        options->context, MHD_OPTION_NOTIFY_CONNECTION, options->connection, options->context,
        MHD_OPTION_UNESCAPE_CALLBACK, options->unescape, options->context, MHD_OPTION_URI_LOG_CALLBACK,
        options->first_line, options->context, MHD_OPTION_CONNECTION_TIMEOUT, options->timeout_seconds,
        MHD_OPTION_CONNECTION_LIMIT, options->connection_limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        options->connection_memory, MHD_OPTION_ARRAY, options->certificate ? tls : plain, MHD_OPTION_END);
}

/// The pointer that the connection callback stores with a connection.
static inline void *cmicrohttpd_connection_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/// The same for the connection of a TLS session.
static inline void *cmicrohttpd_session_context(gnutls_session_t session) {
    struct MHD_Connection *connection = (struct MHD_Connection *)gnutls_session_get_ptr(session);
    return connection ? cmicrohttpd_connection_context(connection) : NULL;
}

/// The size of the request's first line and headers, after they were received.
static inline size_t cmicrohttpd_header_bytes(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}

/// Sends bytes bypassing the library, by TLS if the connection uses it, without waiting. Returns the number of bytes, or -1.
static inline ssize_t cmicrohttpd_send(struct MHD_Connection *connection, const void *bytes, size_t count) {
    const union MHD_ConnectionInfo *tls = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (tls && tls->tls_session) return gnutls_record_send((gnutls_session_t)tls->tls_session, bytes, count);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? send(info->connect_fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
}

/// The connection's socket, or -1.
static inline int cmicrohttpd_connection_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}
#endif
