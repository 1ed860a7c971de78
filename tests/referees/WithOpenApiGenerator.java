import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.NotificationsApi;
import org.openapitools.client.api.RecipientsApi;
import org.openapitools.client.api.SubscriptionsApi;
import org.openapitools.client.api.TopicsApi;
import org.openapitools.client.model.ChannelEnum;
import org.openapitools.client.model.ContactChannelEnum;
import org.openapitools.client.model.ContactIn;
import org.openapitools.client.model.ContentIn;
import org.openapitools.client.model.PublishIn;
import org.openapitools.client.model.RecipientIn;
import org.openapitools.client.model.SubscribeIn;
import org.openapitools.client.model.SubscriptionIn;
import org.openapitools.client.model.TopicIn;

/** The main flow, with the Java client that OpenAPI Generator makes. */
class WithOpenApiGenerator {
  public static void main(String[] none) throws Exception {
    Map<String, String> env = System.getenv();
    String name = env.get("NAME");
    ApiClient client = new ApiClient();
    client.updateBaseUri(env.get("NOTIFIER_URL"));
    String bearer = "Bearer " + env.get("NOTIFIER_KEY");
    client.setRequestInterceptor(request -> request.header("Authorization", bearer));
    TopicsApi topics = new TopicsApi(client);
    NotificationsApi notifications = new NotificationsApi(client);

    check(topics.createTopic(new TopicIn().name(name).displayName("Orders")).getName().equals(name));
    ContactIn contact =
        new ContactIn().channel(ContactChannelEnum.EMAIL).address(name + "@example.com");
    RecipientIn person = new RecipientIn().locale("de_AT").contacts(List.of(contact));
    check(new RecipientsApi(client).upsertRecipient(name, person).getUserId().equals(name));
    SubscriptionIn subscription =
        new SubscriptionIn().userId(name).channels(List.of(ChannelEnum.EMAIL, ChannelEnum.INBOX));
    new SubscriptionsApi(client).subscribe(name, new SubscribeIn(subscription));
    ContentIn content = new ContentIn().title("Order 7").body("It is on its way.");
    String key = UUID.randomUUID().toString();
    PublishIn publication = new PublishIn().content(content);
    UUID id = notifications.publish(name, key, publication).getId();
    for (int turn = 0; turn < 100; turn++) {
      if (notifications.getNotification(id).getState().getValue().equals("done")) break;
      Thread.sleep(200);
    }
    var deliveries = notifications.listDeliveries(id, null, null, null, null).getData();
    check(
        deliveries.stream()
            .map(row -> row.getChannel() + " " + row.getState())
            .collect(Collectors.toSet())
            .equals(Set.of("email accepted", "inbox delivered")));
    try {
      topics.createTopic(new TopicIn().name(name));
      check(false);
    } catch (ApiException error) {
      check(error.getCode() == 409);
      check(error.getResponseBody().contains("/problems/topic-exists"));
    }
  }

  private static void check(boolean holds) {
    if (!holds) throw new AssertionError();
  }
}
