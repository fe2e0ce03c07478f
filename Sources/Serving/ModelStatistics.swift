/// What has happened to a model's requests, for whoever looks from outside.
package final class ModelStatistics: Sendable {
    package init() {}
}
