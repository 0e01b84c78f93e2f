use super::*;

/// Looks at a file as often as it takes, and gives what is said of it a minute later.
async fn seen(file: &mut DocumentFile, seconds: u64) -> Option<String> {
    let running = Duration::from_secs(seconds);
    file.seen.store(None);
    file.look(running);
    while file.is_looking.load(Ordering::Acquire) || file.seen.load().is_none() {
        tokio::task::yield_now().await;
    }
    file.look(running);
    assert!(file.alarm(running).is_none() || seconds > 60, "a reload may be on its way");
    file.alarm(running + Duration::from_secs(60))
}

#[tokio::test]
async fn a_document_that_was_changed_and_not_taken_in_or_is_gone_is_an_alarm_until_it_is_as_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.json");
    fs::write(&path, "{}").unwrap();
    let mut file = DocumentFile::just_read(path.clone());
    assert_eq!(seen(&mut file, 10).await, None);

    fs::write(&path, "{ }").unwrap();
    let alarm = seen(&mut file, 20).await.unwrap();
    assert!(alarm.contains("has changed since it was read") && alarm.contains("`polder reload`"), "{alarm}");
    file.reader()();
    assert!(file.alarm(Duration::from_secs(90)).is_some(), "it was read, and refused");
    file.reader()();
    file.put_in_force();
    assert_eq!(seen(&mut file, 100).await, None);

    let away = folder.path().join("away");
    fs::rename(&path, &away).unwrap();
    let alarm = seen(&mut file, 110).await.unwrap();
    assert!(alarm.contains("cannot be read: No such file") && alarm.contains("a restart would fail"), "{alarm}");
    fs::rename(&away, &path).unwrap();
    assert_eq!(seen(&mut file, 120).await, None);
}
